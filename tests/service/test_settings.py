import pytest

from service.settings import Settings, SettingsError, env_file


def test_the_environment_sets_a_value_and_a_flag_goes_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTIMENT_PORT", "9000")
    assert Settings.load().port == 9000
    assert Settings.load(port="9001").port == 9001


def test_a_bad_value_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTIMENT_PORT", "eighty")
    with pytest.raises(SettingsError, match=r"SENTIMENT_PORT \(--port\) is 'eighty'"):
        Settings.load()


def test_a_port_that_a_platform_sets_counts_after_that_of_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "8081")
    assert Settings.load().port == 8081
    monkeypatch.setenv("AIP_HTTP_PORT", "8082")
    assert Settings.load().port == 8082
    monkeypatch.setenv("SENTIMENT_PORT", "8083")
    assert Settings.load().port == 8083
    assert Settings.load(port="8084").port == 8084


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("PORT", "http", r"^PORT \(--port\) is 'http'"),
        ("AIP_HEALTH_ROUTE", "h", r"^AIP_HEALTH_ROUTE \(--health-route\)"),
    ],
)
def test_a_bad_value_of_a_platform_is_refused_by_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, message: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=message):
        Settings.load()


def test_a_version_without_the_name_of_a_model_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"--model-version\) is '2': .*needs the name of a model"):
        Settings.load(model="auto", model_version="2")


def test_every_setting_says_what_it_does() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_api_keys_are_not_shown() -> None:
    settings = Settings.load(api_keys="secret-key")
    assert "secret-key" not in f"{settings!r} {settings} {settings.model_dump()}"


def test_the_file_of_variables_names_every_setting_with_a_default_that_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = dict(line[1:].split("=", 1) for line in env_file().splitlines() if line.startswith("#SENTIMENT_"))
    assert set(given) == {f"SENTIMENT_{name.upper()}" for name in Settings.model_fields}
    for name, value in given.items():
        if value:
            monkeypatch.setenv(name, value)
    assert Settings.load() == Settings()
