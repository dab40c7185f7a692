"""A role and a whole method can be written as YAML, read back, pickled and told apart."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path
from typing import Any

import pytest

import catsdk as cat
from catsdk import estimators, recipes, rewards
from catsdk.answers import (
    ANYWHERE,
    ExactMatch,
    FieldGrader,
    JsonEquality,
    MathGrader,
    MultipleChoice,
    NumericTolerance,
    Options,
)
from catsdk.answers.verdict import Verdict
from catsdk.core.types import Provenance
from catsdk.errors import InvalidInputError
from catsdk.recipes.names import BUILT_IN, registered
from catsdk.rewards import (
    ClusterShare,
    Diverse,
    EntropyBand,
    EquivalenceReward,
    GradedReward,
    Missing,
    NegativeEntropy,
    Random,
    ReferenceProbability,
    SelfCertainty,
    SkipAgreed,
    SkipFlat,
    TruncationPenalty,
)
from catsdk.rubrics.judge import Judging
from catsdk.sampling import AdaptiveSampler
from catsdk.testing import FunctionProvider

RUBRIC = cat.Rubric(
    criteria=(cat.Criterion(id="a", text="Names the dose", weight=2.0),),
    provenance=Provenance(method="written"),
)
PROMPT = cat.Prompt.parse("mine", "---\nversion: 3\n---\n=== user ===\nReconcile: {{responses}}\n")

SAMPLERS = [
    cat.Sampler(),
    cat.Sampler("openai:a", cat.Sampling(temperature=0.7, stop=("\n",)), seed=1, quorum=3),
    cat.Sampler(("openai:a", "anthropic:b"), late="keep", deadline=2.5),
    AdaptiveSampler(cat.Sampler("openai:a"), confidence=0.9, batch=2),
]
ESTIMATORS = [
    cat.Synthesizer("openai:a", cat.Sampling(max_tokens=9), show="answers", prompt=PROMPT),
    cat.Majority(tie="first", seed=3),
    cat.Cascade(estimators.Adaptive(cat.Majority(), 0.9), cat.Synthesizer("openai:a"), 0.6),
    estimators.BestOfN(estimators.Grading("openai:j", cat.Sampling(max_tokens=9)), seed=1),
    estimators.WeightedMajority(estimators.Likelihood(), "exp"),
    estimators.WeightedMajority(estimators.Likelihood("local:x")),
    estimators.GenerativeSelfAggregation("openai:a", seed=2),
    estimators.MixtureOfAgents(
        [[estimators.GenerativeSelfAggregation("a:b"), estimators.GenerativeSelfAggregation()]],
        cat.Majority(),
    ),
    estimators.RecursiveSelfAggregation(
        estimators.GenerativeSelfAggregation(), cat.Majority(), subset=2, rounds=2
    ),
    estimators.SelfBestOfN(),
    estimators.SelfBestOfN(sampling=cat.Sampling(max_tokens=9)),
    estimators.UniversalSelfConsistency("openai:a", cat.Sampling(temperature=0.5)),
    estimators.MutualPredictability(),
    estimators.MinPerplexity(),
    estimators.Greedy(cat.Sampler(sampling=cat.Sampling(temperature=0.0, max_tokens=7))),
    estimators.RandomChoice(3),
    estimators.Shuffled(cat.Majority(), seed=4),
    estimators.Harmony(cat.Sampler("openai:a"), estimators.Paraphraser("openai:b"), n=4),
    estimators.OtherView(cat.Majority(), paraphraser=estimators.Paraphraser()),
    estimators.OtherView(
        cat.Majority(), cat.Sampler("openai:a", cat.Sampling(temperature=0.7)), n=16
    ),
]
REWARDS = [
    cat.AnswerReward(),
    cat.AnswerReward(cat.Majority(), unknown=0.0),
    cat.Gold("gold"),
    cat.RubricReward(),
    cat.RubricReward(judge="openai:j", missing=Missing(then="mean"), stop_early=True),
    cat.RubricReward(judge=cat.Panel("openai:a", cat.Judge("b:c", judging=Judging(mode="all")))),
    cat.RubricReward(proposer=cat.RubricProposer("openai:p", weighted=True, at_least=3)),
    cat.RubricReward(rubric=RUBRIC),
    GradedReward("openai:j"),
    EquivalenceReward(seed=3, both_orders=True),
    ClusterShare(),
    Random(2),
    cat.LengthPenalty(75, penalty=-0.5),
    TruncationPenalty(-0.5),
    0.5 * cat.AnswerReward() + cat.RubricReward() - cat.LengthPenalty(3),
    SkipFlat(cat.AnswerReward()),
    SkipAgreed(cat.AnswerReward(), 0.9),
    cat.AnswerReward(estimators.Harmony()),
    EntropyBand(ClusterShare(), 0.1, 1.5),
    SkipFlat(ReferenceProbability("local:x", of="answer", debias=False), least=0.1),
    Diverse(cat.AnswerReward(), EquivalenceReward("openai:j"), others=4),
    0.5 * SelfCertainty("local:x") + NegativeEntropy(),
]
ANSWERS = [
    cat.Answers(ANYWHERE),
    cat.Answers(grader=MathGrader(Options(percent="number", absolute=0.1))),
    cat.Answers(grader=ExactMatch(fold_case=True)),
    cat.Answers(grader=NumericTolerance(0.5)),
    cat.Answers(grader=MultipleChoice()),
    cat.Answers(grader=JsonEquality(unordered=True)),
    cat.Answers(grader=FieldGrader(ExactMatch(), {"type": "object"})),
]
ROLES: list[Any] = [*SAMPLERS, *ESTIMATORS, *REWARDS, *ANSWERS]


@dataclasses.dataclass(frozen=True)
class Longest:
    """An estimator of one's own."""

    least: int = 0

    async def estimate(self, group: cat.Group, ctx: cat.Context) -> cat.Reference:
        return ctx.reference(max(group.rollouts, key=lambda rollout: len(rollout.text)))


@dataclasses.dataclass(frozen=True)
class Strict(cat.Judge):
    """A judge of one's own: its fields are declared in another module."""


def shout(provider: cat.Provider) -> cat.Provider:
    return provider


def names(roles: list[Any]) -> list[str]:
    return [f"{at}-{type(role).__name__}" for at, role in enumerate(roles)]


@pytest.mark.parametrize("role", ROLES, ids=names(ROLES))
def test_a_role_survives_yaml_and_pickle(role: Any) -> None:
    text = recipes.to_yaml(role)
    again = recipes.from_yaml(text)
    assert again == role
    assert type(again) is type(role)
    assert recipes.to_yaml(again) == text
    assert pickle.loads(pickle.dumps(role)) == role


def test_every_class_that_a_recipe_may_name_is_tried_here() -> None:
    tried = set()

    def collect(data: Any) -> None:
        if isinstance(data, str):
            tried.add(data)
        elif isinstance(data, dict):
            for name, value in data.items():
                tried.add(name)
                collect(value)
        elif isinstance(data, list):
            for each in data:
                collect(each)

    for role in ROLES:
        collect(recipes.to_data(role))
    # Held by tests of their own: constants, what needs an extra or an object of the user's.
    elsewhere = {"CodeOutput", "Extractor", "FunctionGrader", "MathVerifyGrader", "PolicyAnchor"}
    elsewhere |= {"BOXED", "MARKED", "STATED"}
    assert set(recipes.known_roles()) - tried <= elsewhere


def example(**changes: Any) -> cat.CaT:
    roles: dict[str, Any] = {
        "policy": cat.Sampler("openai:a", seed=1),
        "estimator": cat.Cascade(cat.Majority(), cat.Synthesizer("openai:b")),
        "reward": cat.RubricReward(judge="openai:j") + 0.1 * cat.LengthPenalty(750),
        "answers": cat.Answers(grader=ExactMatch()),
        "client": cat.Client(budget=cat.Budget(usd=2), limits=cat.Limits(in_flight=3), hedge=True),
    }
    roles |= changes
    return cat.CaT(roles.pop("policy"), **roles)


def test_a_method_survives_yaml_and_pickle_with_its_client() -> None:
    c = example()
    for again in (cat.CaT.from_yaml(c.to_yaml()), pickle.loads(pickle.dumps(c))):
        assert again.to_yaml() == c.to_yaml()
        assert repr(again) == repr(c)
        assert again.fingerprint == c.fingerprint
        assert again.client.sending == c.client.sending
        assert again.client is not c.client


def test_the_yaml_is_what_a_person_would_write() -> None:
    text = """
policy: openai:a
estimator: openai:anchor
reward: AnswerReward
answers:
  grader: ExactMatch
client:
  limits:
    in_flight: 8
"""
    c = cat.CaT.from_yaml(text)
    assert c.estimator == cat.Synthesizer("openai:anchor")
    assert c.rewarder == cat.AnswerReward()
    assert c.answers.grader == ExactMatch()
    assert c.client.sending.limits.in_flight == 8
    assert cat.CaT.from_yaml(c.to_yaml()).fingerprint == c.fingerprint


DIFFERENT: list[dict[str, Any]] = [
    {"policy": cat.Sampler("openai:other", seed=1)},
    {"policy": cat.Sampler("openai:a", seed=2)},
    {"policy": cat.Sampler("openai:a", cat.Sampling(temperature=0.5), seed=1)},
    {"policy": AdaptiveSampler(cat.Sampler("openai:a", seed=1))},
    {"estimator": cat.Majority()},
    {"estimator": cat.Cascade(cat.Majority(), cat.Synthesizer("openai:b"), 0.5)},
    {"estimator": cat.Cascade(cat.Majority(seed=1), cat.Synthesizer("openai:b"))},
    {"estimator": cat.Cascade(cat.Majority(), cat.Synthesizer("openai:b", prompt=PROMPT))},
    {"reward": None},
    {"reward": cat.RubricReward(judge="openai:j") + 0.2 * cat.LengthPenalty(750)},
    {"reward": cat.RubricReward(judge="openai:j") + 0.1 * cat.LengthPenalty(751)},
    {"reward": cat.RubricReward(judge="openai:k") + 0.1 * cat.LengthPenalty(750)},
    {"answers": cat.Answers()},
    {"answers": cat.Answers(ANYWHERE, ExactMatch())},
    {"client": cat.Client(middleware=[*cat.default_middleware(), shout])},
]


def test_the_fingerprint_changes_with_whatever_can_change_what_is_done() -> None:
    changed: list[dict[str, Any]] = [{}, *DIFFERENT]
    prints = [example(**changes).fingerprint for changes in changed]
    assert len(set(prints)) == len(prints)


SAME = [
    {"client": cat.Client()},
    {"client": cat.Client(budget=cat.Budget(usd=9), retry=cat.Retry(times=9), cache="memory")},
    {"policy": cat.Sampler("openai:a", cat.Sampling(), seed=1, quorum=None)},
    {"policy": cat.Sampler(policy="openai:a", seed=1, late="cancel")},
    {"estimator": cat.Cascade(cat.Majority("random"), cat.Synthesizer("openai:b"), 0.75)},
    {"answers": cat.Answers(cat.Answers().extractor, ExactMatch(fold_case=False))},
]


@pytest.mark.parametrize("changes", SAME)
def test_the_fingerprint_stays_where_nothing_that_is_done_changes(changes: dict[str, Any]) -> None:
    assert example(**changes).fingerprint == example().fingerprint


def test_a_model_that_a_role_takes_by_default_counts_as_if_it_were_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unnamed = cat.CaT("openai:a", estimator=cat.Synthesizer())
    assert unnamed.fingerprint == cat.CaT("openai:a", estimator="openai:a").fingerprint
    monkeypatch.setenv("CATSDK_ANCHOR", "openai:b")
    assert cat.CaT("openai:a", estimator=cat.Synthesizer()).fingerprint != unnamed.fingerprint
    # Nobody judges here, so a judge in the environment changes nothing.
    monkeypatch.delenv("CATSDK_ANCHOR")
    monkeypatch.setenv("CATSDK_JUDGE", "openai:j")
    assert cat.CaT("openai:a", estimator=cat.Synthesizer()).fingerprint == unnamed.fingerprint


def test_classes_and_functions_of_ones_own_are_named_by_their_module() -> None:
    c = cat.CaT("openai:a", estimator=Longest(3))
    name = f"{Longest.__module__}:Longest"
    assert c.to_data()["estimator"] == {name: {"least": 3}}
    assert cat.CaT.from_yaml(c.to_yaml()).estimator == Longest(3)
    reward = cat.RubricReward(judge=Strict("openai:j", cat.Sampling(temperature=0.5)))
    assert recipes.from_yaml(recipes.to_yaml(reward)) == reward
    client = cat.Client(middleware=[shout, *cat.default_middleware()])
    again = cat.Client.from_data(client.to_data())
    assert again.middleware == client.middleware


class Bare:
    """Is given nothing, and holds nothing."""

    async def grade(self, answer: str, reference: str) -> Verdict:
        return Verdict("unknown")


def test_an_object_that_was_given_nothing_is_written_as_its_class() -> None:
    name = f"{Bare.__module__}:Bare"
    assert recipes.to_data(Bare()) == name
    assert type(recipes.from_data(name)) is Bare
    assert cat.CaT(answers=cat.Answers(grader=Bare())).fingerprint != cat.CaT().fingerprint
    grown = Bare()
    grown.seen = 1  # type: ignore[attr-defined]
    with pytest.raises(InvalidInputError, match="cannot be written in a recipe"):
        recipes.to_data(grown)


class Unwritable(Bare):
    """Says what no recipe could hold."""

    def __init__(self, least: int) -> None:
        self.least = least


@pytest.mark.parametrize(
    ("role", "told"),
    [
        (cat.Sampler(FunctionProvider(lambda _: "", name="mine")), "the model mine is an object"),
        (cat.Answers(grader=Unwritable(3)), "cannot be written in a recipe"),
    ],
)
def test_what_has_no_name_is_refused_with_the_fix(role: Any, told: str) -> None:
    with pytest.raises(InvalidInputError, match=told):
        recipes.to_yaml(role)


def test_a_function_that_cannot_be_imported_is_refused() -> None:
    def inner(provider: cat.Provider) -> cat.Provider:
        return provider

    with pytest.raises(InvalidInputError, match="define it at the top of a module"):
        cat.Client(middleware=[inner]).to_data()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("estimator: Majorty", "there is no 'Majorty'; known: .*Majority"),
        ("estimator: {Majorty: {}}", "there is no 'Majorty'; known: .*Majority"),
        ("estimator: {Majority: {ties: first}}", "Majority has no argument 'ties'; there are tie"),
        ("estimator: {Majority: {tie: last}}", "tie is 'last'; give random, first or abstain"),
        ("estimator: {Majority: 5}", "Majority has 5; give its arguments as a mapping"),
        ("reward: {Sum: {rewards: [AnswerReward], weights: [1, 2]}}", "finite weight for each"),
        ("reward: {LengthPenalty: {over: 0}}", "over is 0"),
        ("policy: {Sampler: {sampling: {temperature: -1}}}", "temperature"),
        ("judge: openai:j", "there is no 'judge'; a CaT has policy, estimator"),
        ("client: {limit: {}}", "a client has no setting 'limit'; there are"),
        ("client: {limits: {in_flight: 0}}", "in_flight"),
        ("estimator: {'nowhere_at_all:Thing': {}}", "cannot be imported"),
        ("estimator: {'.nowhere:Thing': {}}", "cannot be imported"),
        ("reward: {Random: {seed: {float: many}}}", "Random.seed: float is 'many'; give a number"),
        ("reward: {Sum: {rewards: Gold}}", "a part of a sum is"),
        ("answers: {grader: Majority}", "grader is Majority.*; give an object with a method grade"),
        (
            f"estimator: {'{Adaptive: {estimator: ' * 300}Majority{'}}' * 300}",
            "nested more than 50 deep",
        ),
        (f"estimator: {'[' * 5000}{']' * 5000}", "nested more than 50 deep"),
        ("- 5", "write a mapping"),
        ("a: [", "is not YAML"),
    ],
)
def test_a_wrong_recipe_is_refused_with_the_value_and_the_fix(text: str, told: str) -> None:
    with pytest.raises(InvalidInputError, match=told):
        cat.CaT.from_yaml(text)


@dataclasses.dataclass(frozen=True)
class Louder:
    """A wrapper of one's own that has a setting."""

    times: int

    def __call__(self, provider: cat.Provider) -> cat.Provider:
        return provider


def test_a_wrapper_with_settings_survives_yaml() -> None:
    client = cat.Client(middleware=[Louder(3), *cat.default_middleware()])
    c = cat.CaT("openai:a", client=client)
    assert cat.CaT.from_yaml(c.to_yaml()).client.middleware == client.middleware


RAN: list[object] = []


def run(**command: object) -> cat.Reward:
    """What a hostile file would like to be called."""
    RAN.append(command)
    return cat.Gold()


class Runs:
    """What a hostile file would like to be made."""

    def __init__(self, **command: object) -> None:
        RAN.append(command)


@pytest.mark.behaviour("output-is-never-evaluated")
@pytest.mark.parametrize("name", ["run", "Runs"])
@pytest.mark.parametrize(
    "text",
    [
        "reward: {'NAME': {command: x}}",
        "reward: {Sum: {rewards: [{'NAME': {command: x}}]}}",
        "policy: {Sampler: {policy: {'NAME': {command: x}}}}",
        "policy: [{'NAME': {command: x}}]",
        "estimator: {'NAME': {command: x}}",
        "answers: {grader: {FunctionGrader: {function: {'NAME': {command: x}}}}}",
        "client: {middleware: [{'NAME': {command: x}}]}",
    ],
)
def test_reading_a_recipe_calls_nothing_and_makes_only_roles(name: str, text: str) -> None:
    with pytest.raises(InvalidInputError):
        cat.CaT.from_yaml(text.replace("NAME", f"{__name__}:{name}"))
    assert RAN == []


@dataclasses.dataclass(frozen=True)
class Own(cat.Reward):
    needs_reference = False


async def test_descriptions_are_written_and_read_without_looking_for_what_others_registered() -> (
    None
):
    registered.cache_clear()
    # A search of the installed packages would block the loop, which fails the test.
    c = cat.CaT("openai:a", estimator=cat.Majority(), reward=Own() + 0.5 * cat.AnswerReward())
    text = c.to_yaml()
    assert f"{__name__}:Own" in text
    assert cat.CaT.from_yaml(text).to_yaml() == text
    assert registered.cache_info().misses == 0


def test_a_class_that_a_package_registers_is_found_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "theirs-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    points = "[catsdk.estimators]\ntheirs = catsdk.estimators.majority:Majority\n"
    (folder / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(tmp_path)
    registered.cache_clear()
    try:
        assert "theirs" in recipes.known_roles() and recipes.is_known_role("theirs")
        assert recipes.from_data({"theirs": {"tie": "first"}}) == cat.Majority(tie="first")
        assert cat.CaT.from_data({"policy": "openai:a", "estimator": "theirs"}).estimator == (
            cat.Majority()
        )
    finally:
        registered.cache_clear()


def test_every_estimator_and_every_reward_that_ships_has_a_short_name() -> None:
    kinds = {name: getattr(rewards, name) for name in rewards.__all__}
    scoring = {name for name, kind in kinds.items() if issubclass(kind, cat.Reward)}
    assert {*estimators.__all__, *scoring} - {"Reward"} <= set(BUILT_IN)
