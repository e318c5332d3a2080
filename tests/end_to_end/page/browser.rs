//! The page in a real browser: nothing else knows whether a script runs, a policy stops something, or a key does anything.

use super::{address, path_of, run_with, with_page};
use crate::browser::{Browser, ENTER};
use crate::program::Program;
use crate::scene::{DEPLOY, TEST, failed_saying, press, stage, strike, succeeded};
use host_harness::stage::Stage;

/// A page that nobody has complained about, and that has asked nobody else for anything.
async fn expect_quiet(browser: &Browser, stage: &Stage) {
    assert_eq!(browser.console().await, Vec::<String>::new());
    let own = format!("http://{}/", address(stage));
    let asked = browser.requests().await;
    assert!(asked.iter().any(|url| url.starts_with(&own)), "{asked:?}");
    let others = asked
        .iter()
        .filter(|url| !url.starts_with(&own) && *url != "data:,");
    assert_eq!(others.collect::<Vec<_>>(), Vec::<&String>::new());
}

#[tokio::test]
async fn a_run_appears_and_moves_without_a_reload_and_what_is_open_stays_open() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let stage = stage(with_page(false)).await;
    browser.open(&format!("http://{}/", address(&stage))).await;
    browser
        .until("document.getElementById('live').textContent === 'live'")
        .await;
    browser.script("window.same = true").await;
    let id = press(&stage, TEST);
    browser
        .until("document.querySelector('.runs tbody .state.bad')")
        .await;
    assert_eq!(
        browser.script("return window.same").await,
        true,
        "it was loaded anew"
    );
    browser
        .open(&format!("http://{}{}", address(&stage), path_of(&id)))
        .await;
    browser
        .until("document.getElementById('live').textContent === 'live'")
        .await;
    browser
        .script("window.same = true; document.querySelector('details.exchange summary').click()")
        .await;
    browser.script("window.before = document.querySelector('main'); document.querySelector('details.exchange summary').focus()").await;
    // Every ten seconds every page looks; that the time has passed is seen in what it says.
    browser
        .until("document.querySelector('main') !== window.before")
        .await;
    assert_eq!(browser.script("return window.same").await, true);
    assert_eq!(
        browser
            .script("return document.querySelector('details.exchange').open")
            .await,
        true
    );
    assert_eq!(
        browser.script("return document.activeElement === document.querySelector('details.exchange summary')").await,
        true
    );
    expect_quiet(&browser, &stage).await;
    strike(stage).await;
}

#[tokio::test]
async fn the_keyboard_reaches_a_run_and_opens_a_request() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let stage = stage(with_page(false)).await;
    let (first, second) = (press(&stage, DEPLOY), press(&stage, TEST));
    succeeded(&stage, &first).await;
    failed_saying(&stage, &second, &[]).await;
    run_with(&stage, &second, "reported FAILURE").await;
    run_with(&stage, &first, "reported SUCCESS").await;
    browser.open(&format!("http://{}/", address(&stage))).await;
    browser.press("jjk").await;
    let row = "return document.activeElement === document.querySelectorAll('[data-row]')[0]";
    assert_eq!(browser.script(row).await, true);
    browser.press(&format!("j{ENTER}")).await;
    browser
        .until("location.pathname.startsWith('/runs/acme-github/')")
        .await;
    browser
        .until("document.querySelector('details.exchange')")
        .await;
    browser.press(&format!("j{ENTER}")).await;
    browser
        .until("document.querySelector('details.exchange').open")
        .await;
    let outline = "return getComputedStyle(document.activeElement).outlineStyle";
    assert_eq!(
        browser.script(outline).await,
        "solid",
        "the focus cannot be seen"
    );
    expect_quiet(&browser, &stage).await;
    strike(stage).await;
}

#[tokio::test]
async fn light_and_dark_differ_and_both_can_be_read_also_in_a_narrow_window() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let stage = stage(with_page(false)).await;
    let id = press(&stage, TEST);
    failed_saying(&stage, &id, &[]).await;
    run_with(&stage, &id, "reported FAILURE").await;
    let mut grounds = Vec::new();
    for (scheme, width) in [("light", 1280), ("dark", 400)] {
        browser.prefer(scheme).await;
        browser.size(width, 900).await;
        for path in ["/".to_owned(), path_of(&id), "/deliveries".to_owned()] {
            browser
                .open(&format!("http://{}{path}", address(&stage)))
                .await;
            browser
                .script("document.querySelectorAll('details').forEach(it => it.open = true)")
                .await;
            let faint = browser.script(CONTRAST).await;
            assert_eq!(
                faint,
                serde_json::json!([]),
                "{scheme}, {path}: contrast below 4.5"
            );
            let too_wide = "return document.documentElement.scrollWidth > document.documentElement.clientWidth";
            assert_eq!(
                browser.script(too_wide).await,
                false,
                "{scheme}, {path}: scrolls sideways"
            );
        }
        let ground = "return getComputedStyle(document.body).backgroundColor";
        grounds.push(browser.script(ground).await);
    }
    assert_ne!(grounds[0], grounds[1]);
    expect_quiet(&browser, &stage).await;
    strike(stage).await;
}

/// Texts whose contrast with what is behind them is less than 4.5 (WCAG 2.2, success criterion 1.4.3).
const CONTRAST: &str = r#"
    const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const rgb = (color) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const light = (color) => {
        const [r, g, b] = rgb(color).map((it) => it / 255).map((it) => it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (it) => {
        for (; it; it = it.parentElement) {
            const color = getComputedStyle(it).backgroundColor;
            if (rgb(color)[3] === 255) return color;
        }
        return "white";
    };
    const faint = new Set();
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const it = texts.currentNode.parentElement;
        if (!texts.currentNode.textContent.trim() || !it.checkVisibility() || it.closest("option")) continue;
        const [a, b] = [light(getComputedStyle(it).color), light(behind(it))];
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (contrast < 4.5) faint.add(it.tagName + "." + it.className + " " + contrast.toFixed(2));
    }
    return [...faint];
"#;

#[tokio::test]
async fn a_click_replays_a_delivery() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let stage = stage(with_page(true)).await;
    let id = press(&stage, TEST);
    failed_saying(&stage, &id, &[]).await;
    run_with(&stage, &id, "reported FAILURE").await;
    browser
        .open(&format!("http://{}/deliveries", address(&stage)))
        .await;
    browser
        .script("document.querySelector('details.delivery').open = true")
        .await;
    browser.click("details.delivery form button").await;
    browser
        .until("document.body.textContent.includes('Replayed 1 times')")
        .await;
    assert!(browser.url().await.ends_with("/deliveries"));
    let run = stage.port.run(&id).unwrap();
    assert_eq!(run.terminal_reports, 1, "{run:#?}");
    expect_quiet(&browser, &stage).await;
    strike(stage).await;
}

/// Where the README's picture goes, if it is to be made anew: an absolute path, such as that of `docs/page.png`.
const PICTURE: &str = "HOST_HARNESS_PAGE_PICTURE";

/// What the README may cost its readers.
const LARGEST_PICTURE: usize = 150_000;

#[tokio::test]
async fn the_picture_in_the_readme_can_be_taken_of_the_demo() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let program = Program::new();
    let mut demo = program.start(&["demo", "--page"]);
    let line = demo.line_with("A page to look at: ").await;
    let page = line.split("at: ").nth(1).unwrap();
    demo.line_with("runs ended as they should").await;
    browser
        .open(&format!(
            "{page}?state=failed&installation=globex-self-hosted"
        ))
        .await;
    browser.size(1280, 820).await;
    // The action run of the failing workflow: the only one with a step in its summary and an id of that kind.
    browser.script("[...document.querySelectorAll('[data-row]')].find(it => it.textContent.includes('test.yml') && it.href.includes('/r_')).click()").await;
    browser
        .until("document.body.innerText.includes('failed in step 3: Run cargo test')")
        .await;
    browser
        .until("document.getElementById('live').textContent === 'live'")
        .await;
    let picture = browser.screenshot().await;
    // Width and height stand at the beginning of a PNG (RFC 2083, section 4.1.1).
    assert_eq!(picture[16..20], 1280_u32.to_be_bytes());
    assert!(picture.len() < LARGEST_PICTURE, "{} bytes", picture.len());
    if let Ok(path) = std::env::var(PICTURE) {
        std::fs::write(path, picture).unwrap();
    }
}
