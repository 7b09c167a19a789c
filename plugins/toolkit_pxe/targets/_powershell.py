"""PowerShell: quoting, and the functions that make a script idempotent.

about_Quoting_Rules: in single quotes nothing is special but the quote itself, which is doubled; and
the typographic quotes U+2018 to U+201B are single quotes to PowerShell, too.
"""

from __future__ import annotations

import re

SINGLE_QUOTES = "'‘’‚‛"  # noqa: RUF001  these very characters
_QUOTE = re.compile(f"([{SINGLE_QUOTES}])")
BOM = "\ufeff"
"""Windows PowerShell reads a script without it in the machine's own code page."""


def quote(text: str) -> str:
    """Return a single-quoted string for exactly this text."""
    return "'" + _QUOTE.sub(r"\1\1", text) + "'"


def listed(texts: list[str]) -> str:
    """Return an array of strings; of one, the string."""
    return ", ".join(map(quote, texts))


FUNCTIONS = r"""[CmdletBinding(SupportsShouldProcess)]
param()
$ErrorActionPreference = 'Stop'

function Set-BootClass($Type, $Name, $Data) {
    $found = Get-DhcpServerv4Class -Type $Type | Where-Object { $_.Name -ceq $Name }
    if (-not $found) {
        Add-DhcpServerv4Class -Type $Type -Name $Name -Data $Data -Description $Mark
    } elseif ($found.AsciiData -cne $Data) {
        Set-DhcpServerv4Class -Type $Type -Name $Name -Data $Data
    }
}

function Set-BootOptionDefinition($Id, $Name, $Type, [switch]$Many) {
    $found = Get-DhcpServerv4OptionDefinition | Where-Object { $_.OptionId -eq $Id }
    if (-not $found) {
        $new = @{ OptionId = $Id; Name = $Name; Type = $Type; MultiValued = $Many }
        Add-DhcpServerv4OptionDefinition @new
    }
}

function Set-BootScope($Id, $Name, $Mask, $First, $Last, $Lease) {
    $to = @{ Name = $Name; StartRange = $First; EndRange = $Last; LeaseDuration = $Lease }
    $found = Get-DhcpServerv4Scope | Where-Object { $_.ScopeId -eq $Id }
    if (-not $found) {
        Add-DhcpServerv4Scope @to -SubnetMask $Mask -State Active
    } else {
        Set-DhcpServerv4Scope @to -ScopeId $Id
    }
}

function Set-BootExclusion($Id, $First, $Last) {
    $found = Get-DhcpServerv4ExclusionRange -ScopeId $Id |
        Where-Object { $_.StartRange -eq $First -and $_.EndRange -eq $Last }
    if (-not $found) {
        Add-DhcpServerv4ExclusionRange -ScopeId $Id -StartRange $First -EndRange $Last
    }
}

function Set-BootSuperscope($Name, $Ids) {
    $found = Get-DhcpServerv4Superscope | Where-Object { $_.SuperscopeName -ceq $Name }
    $new = $Ids | Where-Object { "$($found.ScopeId)".Split(' ') -notcontains $_ }
    if ($new) {
        Add-DhcpServerv4Superscope -SuperscopeName $Name -ScopeId $new
    }
}

function Clear-BootPolicy($Id) {
    Get-DhcpServerv4Policy -ScopeId $Id | Where-Object { $_.Description -ceq $Mark } |
        ForEach-Object { Remove-DhcpServerv4Policy -ScopeId $Id -Name $_.Name }
}

function Set-BootReservation($Id, $Address, $ClientId, $Name) {
    $found = Get-DhcpServerv4Reservation -ScopeId $Id |
        Where-Object { $_.IPAddress -eq $Address -or $_.ClientId -eq $ClientId }
    $same = $found |
        Where-Object { $_.IPAddress -eq $Address -and $_.ClientId -eq $ClientId }
    if ($same -and $same.Name -eq $Name) { return }
    $found | ForEach-Object { Remove-DhcpServerv4Reservation -IPAddress $_.IPAddress }
    $new = @{ IPAddress = $Address; ClientId = $ClientId; Name = $Name }
    Add-DhcpServerv4Reservation @new -ScopeId $Id
}
"""
"""What each script begins with. -WhatIf shows what would be done: the cmdlets inherit it."""
