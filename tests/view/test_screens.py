"""Every screen is driven in a real browser, on real runs of the model in the box."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from catsdk.view import export_page, labels_in
from tests.view import real
from tests.view.conftest import Serve, made, shown

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytest.importorskip("pyarrow")
pytestmark = [pytest.mark.needs_torch, pytest.mark.slow]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An evaluation and judged groups."""
    folder = tmp_path_factory.mktemp("real")
    made("evaluation", folder / "sums")
    made("rubrics", folder / "judged.jsonl")
    return folder


def opened(page: Page, address: str, screen: str) -> Page:
    """Go to a screen, once the runs were read."""
    page.goto(address)
    page.locator("tr.open").first.wait_for()
    page.locator("text=/^indexing, /").wait_for(state="detached")
    page.goto(f"{address}/#/{screen}")
    shown(page, re.escape(f"#/{screen}") + "$")
    return page


def test_a_fresh_user_finds_where_synthesis_is_right_and_the_majority_wrong(
    page: Page, serve: Serve, folder: Path
) -> None:
    page.goto(serve(folder))
    page.get_by_text("Sums by the model in the box").click()
    page.get_by_role("button", name="reference right, majority wrong").click()
    shown(page, "filter=gained")
    page.locator("tr.open").first.click()
    page.locator(".card.good", has_text="Reference").wait_for()
    assert page.locator('[data-card="Majority"]').get_attribute("class") == "card bad"
    assert page.get_by_text("against the reference").count() >= 1
    assert page.locator("mark.contradicts").count() >= 1
    assert page.get_by_text("found by boxed").count() >= 1
    assert page.get_by_role("heading", name=re.compile("Calls")).count() == 1


def test_items_are_searched_sorted_and_opened_with_the_keyboard(
    page: Page, serve: Serve, folder: Path
) -> None:
    opened(page, serve(folder), "items?run=sums")
    assert page.locator("tr.open").count() == len(real.SUMS)
    page.keyboard.press("/")
    page.keyboard.type("7634198")
    shown(page, "q=7634198")
    assert page.locator("tr.open").count() == 1
    assert page.locator("input[type=search]").input_value() == "7634198"
    page.reload()
    shown(page, "q=7634198")
    assert page.locator("tr.open").count() == 1
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    shown(page, "#/item")
    page.keyboard.press("u")
    shown(page, r"#/items\?.*q=7634198")
    opened(page, serve(folder), "items?run=sums")
    page.get_by_role("button", name="Rollouts right").click()
    shown(page, "sort=pass&way=down")
    page.locator("th[aria-sort=descending]").wait_for()
    shares = [int(text.rstrip("%")) for text in page.locator(".meter").all_inner_texts()]
    assert shares == sorted(shares, reverse=True)


def test_a_part_of_the_reference_is_found_again_in_the_rollouts(
    page: Page, serve: Serve, folder: Path
) -> None:
    opened(page, serve(folder), "item?run=sums&by=synthesis%2F4&id=7634198%2B1480512")
    page.locator("button.part").first.click()
    shown(page, "part=0")
    page.locator('button.part[aria-pressed="true"]').wait_for()
    chosen = page.locator("mark.chosen")
    assert chosen.count() == page.locator('mark[data-about="0"]').count() >= 1
    page.keyboard.press("n")
    shown(page, r"id=(?!7634198)")
    page.get_by_label("Reference by").select_option("majority/4")
    shown(page, "by=majority")


def test_the_criterion_that_tells_nothing_apart_and_the_reason_of_no_reward_are_found(
    page: Page, serve: Serve, folder: Path
) -> None:
    opened(page, serve(folder), "items?run=judged.jsonl")
    page.locator("tr.open").first.click()
    page.keyboard.press("r")
    shown(page, "#/rubric")
    page.locator("button.verdict.good").first.click()
    shown(page, "cell=")
    page.locator("mark.quote").first.wait_for()
    dull = page.locator("tr.dull").count()
    assert page.get_by_text("Same verdict for all:").count() == (1 if dull else 0)
    page.keyboard.press("r")
    shown(page, "#/item")
    page.get_by_role("heading", name="Rewards, with their reasons").wait_for()
    assert page.locator("tr[data-reward] td.why").count() == 4


def test_two_estimators_are_compared_with_the_paired_test(
    page: Page, serve: Serve, folder: Path
) -> None:
    opened(page, serve(folder), "compare?left=sums&right=sums")
    page.get_by_label("Reference on the left").select_option("majority/4")
    shown(page, "left_by=majority")
    page.get_by_label("Reference on the right").select_option("synthesis/4")
    shown(page, "right_by=synthesis")
    page.get_by_text("McNemar").wait_for()
    page.get_by_role("button", name="all items").click()
    shown(page, "show=all")
    page.locator("tr.open").nth(len(real.SUMS) - 1).wait_for()


def test_money_is_told_by_stage_and_by_estimator(page: Page, serve: Serve, folder: Path) -> None:
    opened(page, serve(folder), "money?run=sums")
    for words in ("Paid for in all", "By stage", "By estimator"):
        page.get_by_role("heading", name=words).wait_for()
    assert page.get_by_role("cell", name="synthesize", exact=True).count() == 1


def test_the_slider_goes_over_the_groups_of_a_real_training(
    page: Page, serve: Serve, tmp_path: Path
) -> None:
    made("training", tmp_path / "trained")
    opened(page, serve(tmp_path), "training?run=trained")
    page.locator("svg .line").first.wait_for()
    before = page.locator(".slider b").inner_text()
    page.keyboard.press("p")
    shown(page, "step=")
    page.locator(".slider b", has_text=re.compile(f"^(?!{before}$)")).wait_for()
    page.locator("tr.open").first.click()
    shown(page, "#/item")
    page.get_by_text("advantage").first.wait_for()


def test_light_and_dark_follow_the_system_and_the_choice(
    page: Page, serve: Serve, folder: Path
) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="dark")
    opened(page, serve(folder), "runs")
    dark = page.evaluate(paper)
    page.keyboard.press("t")
    light = page.evaluate(paper)
    assert dark != light == "rgb(255, 255, 255)"
    page.reload()
    page.locator("tr.open").first.wait_for()
    assert page.evaluate(paper) == light
    page.keyboard.press("?")
    page.get_by_role("dialog").get_by_text("next and previous row").wait_for()


def test_a_reference_is_labelled_wrong_found_again_and_taken_back(
    page: Page, serve: Serve, folder: Path
) -> None:
    item = "run=sums&by=synthesis%2F4&id=7634198%2B1480512"
    labels = folder / "sums" / "labels.jsonl"
    opened(page, serve(folder), f"item?{item}")
    page.get_by_role("button", name="wrong", exact=True).click()
    page.locator("#told", has_text="the label was saved").wait_for(state="attached")
    page.get_by_role("textbox", name="Why: Is this reference right?").fill("a digit is off")
    page.get_by_role("textbox", name="Why: Is this reference right?").press("Tab")
    while "a digit is off" not in labels.read_text("utf-8"):
        page.wait_for_timeout(20)
    page.reload()
    chosen = page.get_by_role("button", name="wrong", exact=True)
    chosen.wait_for()
    assert chosen.get_attribute("aria-pressed") == "true"
    chip = page.get_by_role("button", name="labelled wrong")
    while not chip.count():
        opened(page, serve(folder), "items?run=sums&by=synthesis%2F4")
    chip.click()
    shown(page, "filter=doubted")
    page.get_by_text("1–1 of 1").wait_for()
    opened(page, serve(folder), f"item?{item}")
    page.get_by_role("button", name="wrong", exact=True).click()
    page.locator("#told", has_text="the label was withdrawn").wait_for(state="attached")
    assert labels_in(folder / "sums") == []


@pytest.mark.parametrize("screen", ["runs", "items", "item", "rubric", "compare", "money"])
def test_no_screen_is_wider_than_a_telephone(
    page: Page, serve: Serve, folder: Path, screen: str
) -> None:
    state = {
        "items": "run=sums", "item": "run=sums&by=synthesis%2F4&id=7634198%2B1480512",
        "rubric": "run=judged.jsonl&id=0&cell=0.0.0", "compare": "left=sums&right=sums&show=all",
        "money": "run=sums",
    }.get(screen, "")  # fmt: skip
    page.set_viewport_size({"width": 400, "height": 800})
    opened(page, serve(folder), f"{screen}?{state}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_an_exported_file_works_alone(page: Page, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    assert "nothing is left out" in export_page(folder, path)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(path.as_uri())
    page.get_by_text("Sums by the model in the box").click()
    page.get_by_role("button", name="reference right, majority wrong").click()
    page.locator("tr.open").first.click()
    page.locator(".card.good", has_text="Reference").wait_for()
    page.keyboard.press("u")
    page.locator("input[type=search]").fill("nothing like this")
    page.get_by_text("No items match").wait_for()
    page.get_by_role("link", name="Money").click()
    page.get_by_role("heading", name="By stage").wait_for()
    assert {url.partition(":")[0] for url in requests} == {"file"}


def test_an_export_that_is_too_large_says_what_it_leaves_out(
    page: Page, folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "page.html"
    told = export_page(folder, path, most_bytes=60_000)
    assert re.search(r"left out, to keep this file small: the evidence of \d+ items", told)
    page.goto(path.as_uri())
    page.get_by_text("left out, to keep this file small").wait_for()
    page.get_by_text("Sums by the model in the box").click()
    shown(page, "#/items")
    assert page.locator("tr.open").count() == len(real.SUMS)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_screen_keeps_anyone_out(
    page: Page, serve: Serve, folder: Path, axe: str, theme: Literal["light", "dark"]
) -> None:
    page.emulate_media(color_scheme=theme)
    found: list[str] = []
    item = "run=sums&by=synthesis%2F4&id=7634198%2B1480512"
    for screen in (
        "runs", "items?run=sums", f"item?{item}", "rubric?run=judged.jsonl&id=0&cell=0.0.0",
        "compare?left=sums&right=sums&show=all", "money?run=sums", "training?run=sums",
    ):  # fmt: skip
        opened(page, serve(folder), screen)
        page.evaluate(axe)
        told = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        for each in told["violations"]:
            if each["impact"] in ("serious", "critical"):
                nodes = [node["html"][:150] for node in each["nodes"][:3]]
                found.append(f"{screen}: {each['id']}: {each['help']}: {nodes}")
    assert found == []
