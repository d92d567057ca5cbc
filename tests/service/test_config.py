"""Settings of the server: where they come from, what is refused, and that all are documented."""

import runpy
import tomllib
from pathlib import Path

import pytest

from hyperbo_service.config import ServerConfig, read_config, settings
from hyperbo_service.errors import SettingError

EVERYWHERE = "0.0.0.0"  # noqa: S104 - that it is refused is what is tested
DOCS = Path(__file__).parents[2] / "docs/reference"


def _written(folder: Path, text: str) -> Path:
    path = folder / "server.toml"
    path.write_text(text)
    return path


def _refusal(**given: object) -> str:
    with pytest.raises(SettingError) as refused:
        read_config(given, {})
    return str(refused.value)


def test_nothing_need_be_set() -> None:
    """Without flags, variables and file there are the defaults: loopback, no tokens."""
    config = read_config({"port": None}, {})

    assert config == ServerConfig()
    assert not config.is_exposed
    assert not config.needs_tokens


def test_flags_before_environment_before_file(tmp_path: Path) -> None:
    """A flag wins over a variable, which wins over the file, which wins over the default."""
    file = _written(tmp_path, "port = 1\nthreads = 50\nmax_watchers = 3")
    environment = {"HYPERBO_PORT": "2", "HYPERBO_THREADS": "60"}

    config = read_config({"port": 3}, environment, file)

    assert (config.port, config.threads, config.max_watchers) == (3, 60, 3)
    assert config.default_lease == 60.0


def test_the_environment_may_name_the_file(tmp_path: Path) -> None:
    """`HYPERBO_CONFIG` names the file where no flag does."""
    file = _written(tmp_path, "port = 1")
    other = tmp_path / "other.toml"
    other.write_text("port = 2")

    assert read_config({}, {"HYPERBO_CONFIG": str(file)}).port == 1
    assert read_config({}, {"HYPERBO_CONFIG": str(file)}, other).port == 2


@pytest.mark.parametrize("text", ["1", "true", "YES", "on"])
def test_truth_in_the_environment(text: str) -> None:
    """Truth is written in any of the usual ways."""
    assert read_config({}, {"HYPERBO_INSECURE": text}).insecure
    assert not read_config({}, {"HYPERBO_INSECURE": "no"}).insecure


def test_a_path_in_the_file_is_relative_to_it(tmp_path: Path) -> None:
    """A file may be moved together with what it names; a whole path stays as it is."""
    file = _written(tmp_path, 'tls_certificate = "tls/a.pem"\ntls_key = "/etc/key.pem"')

    config = read_config({}, {}, file)

    assert config.tls_certificate == tmp_path / "tls/a.pem"
    assert config.tls_key == Path("/etc/key.pem")


def test_a_whole_number_will_do_for_any() -> None:
    """A setting that takes any number takes a whole one."""
    assert read_config({"default_lease": 90}, {}).default_lease == 90.0


def test_an_unknown_key_is_named_with_what_was_meant(tmp_path: Path) -> None:
    """A misspelt key of the file is refused, with the file and the right name."""
    file = _written(tmp_path, "prot = 1")

    with pytest.raises(SettingError, match=r"'prot' in .*server\.toml.*'port'"):
        read_config({}, {}, file)


def test_a_misspelt_variable_is_refused() -> None:
    """A variable that was meant as a setting is not passed over."""
    with pytest.raises(SettingError, match=r"HYPERBO_REQUIRE_TOKEN .*'require_tokens'"):
        read_config({}, {"HYPERBO_REQUIRE_TOKEN": "1"})


def test_other_programs_variables_do_not_matter() -> None:
    """The client's variables, and those that Kubernetes makes of a service's name, may stand."""
    environment = {
        "HYPERBO_TOKEN": "x",
        "HYPERBO_HOME": "/x",
        "HYPERBO_SERVICE_HOST": "10.0.0.1",
        "HYPERBO_PORT_8080_TCP_ADDR": "10.0.0.1",
        "HYPERBO_PORT": "",
        "PORT": "9",
    }

    assert read_config({}, environment) == ServerConfig()


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ('port = "8080"', "port in .* is '8080'; wanted a whole number from 0 to 65535"),
        ("port = 8080.0", "wanted a whole number"),
        ("port = true", "wanted a whole number"),
        ("port = 65536", "is 65536; wanted a whole number from 0 to 65535"),
        ("insecure = 1", "wanted true or false"),
        ("default_lease = nan", "wanted a number from 1 to"),
        ("default_lease = true", "wanted a number"),
        ('log_level = "loud"', "wanted one of debug, info, warning, error"),
        ("host = 1", "wanted a text"),
        ('registry = ""', "wanted a path"),
        ("[server]\nport = 1", "'server' in .* is not a setting"),
        ("port =", "is not TOML"),
    ],
)
def test_wrong_values_in_the_file(tmp_path: Path, line: str, wanted: str) -> None:
    """A value of the wrong type or size is refused with its place and with what is wanted."""
    with pytest.raises(SettingError, match=wanted):
        read_config({}, {}, _written(tmp_path, line))


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("HYPERBO_PORT", "tcp://10.0.0.1:8080"),
        ("HYPERBO_PORT", "8080.5"),
        ("HYPERBO_INSECURE", "maybe"),
        ("HYPERBO_DRAIN_SECONDS", "-1"),
        ("HYPERBO_DRAIN_SECONDS", "inf"),
        ("HYPERBO_LOG_FORMAT", "xml"),
    ],
)
def test_wrong_values_in_the_environment(variable: str, text: str) -> None:
    """A variable that cannot be read is refused by its name."""
    with pytest.raises(SettingError, match=f"{variable} is .*; wanted "):
        read_config({}, {variable: text})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A file that cannot be read is refused, whichever way it was named."""
    with pytest.raises(SettingError, match=r"none\.toml cannot be read"):
        read_config({}, {"HYPERBO_CONFIG": str(tmp_path / "none.toml")})


@pytest.mark.parametrize(
    "host", [EVERYWHERE, "::", "192.168.1.2", "example.org", "", "127.0.0.1.x"]
)
def test_off_loopback_there_must_be_tls(host: str) -> None:
    """A host that others can reach is refused without TLS, with every way out."""
    said = _refusal(host=host)

    assert "no TLS" in said
    assert "insecure = true" in said


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "::1", "[::1]"])
def test_on_loopback_nothing_is_asked(host: str) -> None:
    """Loopback needs neither TLS nor tokens, but may ask for tokens."""
    assert not read_config({"host": host}, {}).needs_tokens
    assert read_config({"host": host, "require_tokens": True}, {}).needs_tokens


def test_off_loopback_tokens_come_by_themselves() -> None:
    """With TLS a host that others reach asks for tokens, and cannot be told not to."""
    tls = {"host": EVERYWHERE, "tls_certificate": Path("a"), "tls_key": Path("b")}

    assert read_config(tls, {}).needs_tokens
    assert "no tokens" in _refusal(**tls, require_tokens=False)


def test_insecure_lifts_the_rule_only_when_said() -> None:
    """`insecure` allows a bare server off loopback, and tokens on top if they are asked for."""
    config = read_config({"host": EVERYWHERE, "insecure": True}, {})

    assert config.is_exposed
    assert not config.needs_tokens
    assert read_config(
        {"host": EVERYWHERE, "insecure": True, "require_tokens": True}, {}
    ).needs_tokens


def test_settings_that_do_not_go_together() -> None:
    """Half a TLS, threads that watches could use up, and an endpoint without scheme are refused."""
    assert "set tls_key too" in _refusal(tls_certificate=Path("a"))
    assert "set tls_certificate too" in _refusal(tls_key=Path("a"))
    assert "tls_client_authority is set without TLS" in _refusal(tls_client_authority=Path("a"))
    assert "Raise threads" in _refusal(threads=8, max_watchers=8)
    assert "http://host:port" in _refusal(otel_endpoint="localhost:4317")


def test_every_setting_is_documented() -> None:
    """The page's table is the one that `python docs/reference/generate.py` would write."""
    page = (DOCS / "configuration.md").read_text()

    assert runpy.run_path(str(DOCS / "generate.py"))["page"]() == page
    assert [each.name for each in settings() if f"| `{each.name}` |" not in page] == []


def test_the_documented_file_is_a_configuration(tmp_path: Path) -> None:
    """The page's example of a file is read without complaint."""
    (block,) = (DOCS / "configuration.md").read_text().split("```toml\n")[1:]
    text = block.partition("```")[0]

    config = read_config({}, {}, _written(tmp_path, text))

    assert config.host == tomllib.loads(text)["host"]
    assert config.needs_tokens
