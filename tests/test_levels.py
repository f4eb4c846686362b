"""Every place that takes a level takes its customary names."""

import pytest

from ksrcfind import config
from ksrcfind.errors import KsrcfindError
from ksrcfind.levels import CODE_NAMES, CONTINUATION, KERN_MACROS, LEVEL_OF_CODE, LEVELS, SYSLOG_NAMES, level_named

NAMES = {
    "emerg": ["emerg", "emergency", "panic", "0", "EMERG", "KERN_EMERG"],
    "alert": ["alert", "1"],
    "crit": ["crit", "critical", "2"],
    "err": ["err", "error", "3", "Error"],
    "warn": ["warn", "warning", "4", " warning "],
    "notice": ["notice", "5"],
    "info": ["info", "informational", "6"],
    "debug": ["debug", "dbg", "7"],
}


@pytest.mark.parametrize("level", LEVELS)
def test_customary_names(level):
    assert {level_named(name) for name in NAMES[level]} == {level}


@pytest.mark.parametrize("text", ["", "8", "-1", "loud", "44", "warn err"])
def test_other_texts_name_no_level(text):
    assert level_named(text) is None


@pytest.mark.parametrize("written", ['"warning"', '"4"', "4", '"KERN_WARNING"'])
def test_in_a_configuration(tmp_path, written):
    file = tmp_path / "config.toml"
    file.write_text(f'[[roots]]\nname = "x"\nformat = 0\nlevel = {written}\n')
    [root] = config.resolve({"KSRCFIND_CONFIG": str(file)}).roots
    assert root.level_name == "warn"


def test_in_a_configuration_that_is_wrong(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text('[[roots]]\nname = "x"\nformat = 0\nlevel = "loud"\n')
    with pytest.raises(KsrcfindError, match=r"'loud' is not a level; levels are emerg, .*, cont"):
        config.resolve({"KSRCFIND_CONFIG": str(file)})


def test_in_the_settings_of_an_editor():
    settings = pytest.importorskip("ksrcfind.lsp.settings", reason="the language server's packages are not installed")
    assert settings.client_settings({"diagnostics": "warning"}).diagnostics == "warn"
    assert settings.client_settings({"diagnostics": "off"}).diagnostics == "off"
    with pytest.raises(KsrcfindError, match="diagnostics is 'loud'"):
        settings.client_settings({"diagnostics": "loud"})


def test_the_macros_of_kern_levels_h():
    assert KERN_MACROS == {
        "KERN_EMERG": "0",
        "KERN_ALERT": "1",
        "KERN_CRIT": "2",
        "KERN_ERR": "3",
        "KERN_WARNING": "4",
        "KERN_NOTICE": "5",
        "KERN_INFO": "6",
        "KERN_DEBUG": "7",
        "KERN_CONT": "c",
    }


def test_every_table_has_the_levels_of_the_record():
    levels = {*LEVELS, CONTINUATION}
    assert set(LEVEL_OF_CODE.values()) == set(CODE_NAMES.values()) == levels
    assert set(SYSLOG_NAMES.values()) == set(LEVELS)
