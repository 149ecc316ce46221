"""The stage: each rule of its resolution, and which names are valid."""

from __future__ import annotations

import pytest

from os2cli.core.errors import UsageError
from os2cli.core.stage import (
    MAX_STAGE_LENGTH,
    Stage,
    StageKind,
    classify_stage,
    resolve_stage,
    validate_stage,
)
from tests.unit.core.user_ids import PLACEHOLDERS

CONTRADICTION = {"ITERATE_USER": "jonas", "APP_STAGE": "prd"}


class TestClassification:
    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            ("dev", StageKind.DEVELOPMENT),
            ("dev-jonas", StageKind.DEVELOPMENT),
            ("local-x", StageKind.DEVELOPMENT),
            ("stg", StageKind.STAGING),
            ("prd", StageKind.PRODUCTION),
            ("pr-12", StageKind.PREVIEW),
            ("local", StageKind.OTHER),
            ("development", StageKind.OTHER),
            ("devjonas", StageKind.OTHER),
            ("DEV", StageKind.OTHER),
            ("stg-2", StageKind.OTHER),
            ("prd2", StageKind.OTHER),
            ("pr12", StageKind.OTHER),
            ("qa", StageKind.OTHER),
        ],
    )
    def test_a_name_has_its_kind(self, name: str, kind: StageKind) -> None:
        assert classify_stage(name) is kind
        assert Stage(name, "test").kind is kind

    def test_the_prefix_is_what_its_snapshots_begin_with(self) -> None:
        assert Stage("dev-jonas", "test").prefix == "dev-jonas--"


class TestValidity:
    @pytest.mark.parametrize(
        "name",
        ["a", "A_9", "dev-jonas", "-a", "_", "1", "a-b_c-d", "x" * 63],
    )
    def test_a_valid_name_is_returned(self, name: str) -> None:
        assert validate_stage(name, "--stage") == name

    @pytest.mark.parametrize(
        ("name", "problem"),
        [
            ("", "it is empty"),
            ("a b", "only letters"),
            ("a.b", "only letters"),
            ("a/b", "only letters"),
            ("jürgen", "only letters"),
            ("٣", "only letters"),
            ("prd\n", "only letters"),
            ("x" * 64, "64 characters, the maximum is 63"),
            ("a--b", "'--' separates"),
            ("--", "'--' separates"),
            ("a-", "it ends in '-'"),
            ("-", "it ends in '-'"),
        ],
        ids=[
            "empty",
            "space",
            "dot",
            "slash",
            "umlaut",
            "a digit that is not ASCII",
            "newline",
            "64 characters",
            "separator",
            "separator alone",
            "hyphen at the end",
            "hyphen alone",
        ],
    )
    def test_an_invalid_name_is_refused_with_its_origin_and_the_reason(
        self, name: str, problem: str
    ) -> None:
        with pytest.raises(UsageError) as caught:
            validate_stage(name, "APP_STAGE")

        error = caught.value
        assert error.code == "stage_invalid"
        assert f"APP_STAGE: invalid stage {name!r}: " in error.message
        assert problem in error.message
        assert error.hint


class TestUser:
    @pytest.mark.parametrize("user", ["jonas", "  jonas\t", "\njonas\n"])
    def test_a_user_gives_a_development_stage(self, user: str) -> None:
        stage = resolve_stage({"ITERATE_USER": user})

        assert stage == Stage("dev-jonas", "ITERATE_USER", None)

    @pytest.mark.parametrize("app_stage", ["dev", "dev-ada", "local-ada", "", " "])
    @pytest.mark.parametrize("publishing", [False, True])
    def test_it_wins_over_a_development_stage(self, app_stage: str, publishing: bool) -> None:
        variables = {"ITERATE_USER": "jonas", "APP_STAGE": app_stage}

        assert resolve_stage(variables, publishing=publishing) == Stage("dev-jonas", "ITERATE_USER")

    @pytest.mark.parametrize("user", PLACEHOLDERS)
    def test_a_placeholder_leaves_it_to_app_stage(self, user: str) -> None:
        stage = resolve_stage({"ITERATE_USER": user, "APP_STAGE": "prd"}, publishing=True)

        assert stage == Stage("prd", "APP_STAGE")

    def test_a_name_that_only_begins_with_unknown_is_a_user(self) -> None:
        assert resolve_stage({"ITERATE_USER": "unknown2"}).name == "dev-unknown2"

    @pytest.mark.parametrize(
        ("user", "problem"),
        [
            ("jo hn", "only letters"),
            ("jürgen", "only letters"),
            ("-jonas", "'--' separates"),
            ("jonas-", "ends in '-'"),
            ("x" * (MAX_STAGE_LENGTH - 3), "64 characters"),
        ],
        ids=["space", "umlaut", "hyphen first", "hyphen last", "too long with dev-"],
    )
    def test_a_user_that_makes_no_stage_is_refused(self, user: str, problem: str) -> None:
        with pytest.raises(UsageError, match=problem) as caught:
            resolve_stage({"ITERATE_USER": user})

        assert "ITERATE_USER: " in caught.value.message

    def test_the_longest_user_is_accepted(self) -> None:
        user = "x" * (MAX_STAGE_LENGTH - 4)

        assert len(resolve_stage({"ITERATE_USER": user}).name) == MAX_STAGE_LENGTH


class TestAppStage:
    @pytest.mark.parametrize("name", ["dev", "dev-ada", "local-x", "stg", "prd", "pr-12"])
    def test_a_known_one_is_taken_as_it_is(self, name: str) -> None:
        assert resolve_stage({"APP_STAGE": f" {name} "}) == Stage(name, "APP_STAGE", None)

    @pytest.mark.parametrize("name", ["qa", "PRD", "unknown"])
    def test_another_one_is_taken_with_a_warning(self, name: str) -> None:
        stage = resolve_stage({"APP_STAGE": name}, publishing=True)

        assert stage.name == name
        assert stage.warning is not None
        assert repr(name) in stage.warning

    def test_an_invalid_one_is_refused(self) -> None:
        with pytest.raises(UsageError, match="APP_STAGE: invalid stage"):
            resolve_stage({"APP_STAGE": "a--b"})

    @pytest.mark.parametrize(
        "variables",
        [
            {},
            {"ITERATE_USER": "", "APP_STAGE": ""},
            {"ITERATE_USER": " ", "APP_STAGE": "\t"},
            {"ITERATE_USER": "unknown"},
            {"DOPPLER_CONFIG": "prd"},
        ],
        ids=["unset", "empty", "blank", "unknown user", "Doppler alone"],
    )
    def test_neither_user_nor_stage_is_an_error_that_names_both(
        self, variables: dict[str, str]
    ) -> None:
        with pytest.raises(UsageError) as caught:
            resolve_stage(variables)

        assert caught.value.code == "stage_missing"
        for name in ("ITERATE_USER", "APP_STAGE", "--stage"):
            assert name in (caught.value.hint or "")


class TestExplicit:
    @pytest.mark.parametrize("publishing", [False, True])
    def test_it_decides_over_everything(self, publishing: bool) -> None:
        variables = {**CONTRADICTION, "DOPPLER_CONFIG": "stg"}

        stage = resolve_stage(variables, explicit=" pr-12 ", publishing=publishing)

        assert stage == Stage("pr-12", "--stage")

    def test_another_one_is_taken_with_a_warning(self) -> None:
        assert resolve_stage({}, explicit="qa").warning

    @pytest.mark.parametrize("explicit", ["", "  ", "a--b"])
    def test_an_invalid_one_is_refused_and_not_replaced(self, explicit: str) -> None:
        with pytest.raises(UsageError, match="--stage: invalid stage"):
            resolve_stage({"APP_STAGE": "prd"}, explicit=explicit)


class TestContradiction:
    @pytest.mark.parametrize("app_stage", ["prd", "stg", "pr-12", "qa"])
    def test_a_publishing_command_stops_with_an_explanation(self, app_stage: str) -> None:
        variables = {"ITERATE_USER": " jonas ", "APP_STAGE": f" {app_stage} "}

        with pytest.raises(UsageError) as caught:
            resolve_stage(variables, publishing=True)

        error = caught.value
        assert error.code == "stage_contradiction"
        assert error.message == (
            f"ITERATE_USER=jonas says dev-jonas, but APP_STAGE says {app_stage}"
        )
        assert error.hint == f"choose one: --stage {app_stage} or --stage dev-jonas"

    def test_another_command_goes_on_with_the_user_and_a_warning(self) -> None:
        stage = resolve_stage(CONTRADICTION)

        assert (stage.name, stage.origin) == ("dev-jonas", "ITERATE_USER")
        assert stage.warning == (
            "ITERATE_USER=jonas says dev-jonas, but APP_STAGE says prd; using dev-jonas"
        )

    @pytest.mark.parametrize("variable", ["DOPPLER_CONFIG", "DOPPLER_ENVIRONMENT"])
    @pytest.mark.parametrize("publishing", [False, True])
    @pytest.mark.parametrize(
        ("doppler", "app_stage", "expected"),
        [("dev", "prd", "dev-jonas"), (" prd ", "prd", "prd"), ("stg", "stg", "stg")],
    )
    def test_doppler_breaks_the_tie(
        self, variable: str, publishing: bool, doppler: str, app_stage: str, expected: str
    ) -> None:
        variables = {"ITERATE_USER": "jonas", "APP_STAGE": app_stage, variable: doppler}

        stage = resolve_stage(variables, publishing=publishing)

        assert (stage.name, stage.warning) == (expected, None)
        winner = "APP_STAGE" if expected == app_stage else "ITERATE_USER"
        assert stage.origin == f"{winner}, confirmed by {variable}"

    def test_the_configuration_counts_before_the_environment(self) -> None:
        doppler = {"DOPPLER_CONFIG": "prd", "DOPPLER_ENVIRONMENT": "dev"}

        assert resolve_stage({**CONTRADICTION, **doppler}, publishing=True).name == "prd"

    @pytest.mark.parametrize(
        "doppler",
        [
            {"DOPPLER_CONFIG": "dev_personal"},
            {"DOPPLER_CONFIG": "stg"},
            {"DOPPLER_CONFIG": "ci", "DOPPLER_ENVIRONMENT": "stg"},
            {"DOPPLER_CONFIG": "stg", "DOPPLER_ENVIRONMENT": "dev"},
        ],
        ids=["another configuration", "a third stage", "neither of both", "not overruled"],
    )
    def test_a_doppler_that_settles_neither_is_named(self, doppler: dict[str, str]) -> None:
        with pytest.raises(UsageError) as caught:
            resolve_stage({**CONTRADICTION, **doppler}, publishing=True)

        named = ", ".join(f"{name}={value}" for name, value in doppler.items())
        assert f"({named} settles neither)" in caught.value.message

    def test_doppler_does_not_decide_where_nothing_contradicts(self) -> None:
        variables = {"ITERATE_USER": "jonas", "APP_STAGE": "dev", "DOPPLER_CONFIG": "prd"}

        assert resolve_stage(variables, publishing=True).name == "dev-jonas"

    @pytest.mark.parametrize(
        "variables",
        [
            {"ITERATE_USER": "jonas", "APP_STAGE": "a b"},
            {"ITERATE_USER": "jo hn", "APP_STAGE": "prd", "DOPPLER_CONFIG": "dev"},
        ],
        ids=["stage", "user"],
    )
    def test_what_is_not_valid_is_refused_before_it_is_weighed(
        self, variables: dict[str, str]
    ) -> None:
        with pytest.raises(UsageError) as caught:
            resolve_stage(variables)

        assert caught.value.code == "stage_invalid"
