//! Values that nobody sends by accident, or only once: each is either refused with a clear failure before any request
//! leaves, or arrives at GitHub exactly as it was, at the endpoint it was meant for. Never a crash, never another
//! endpoint, never a changed value.

use crate::bench::{Bench, PROPERTIES, expect_failure};
use host_harness::contract::{Change, Failure, FailureKind, RunUpdate, Started};
use host_harness::simulator::github::{GitHub, Input, Options, Repository, Workflow};
use host_harness::simulator::{Effect, Fault};
use host_harness::stage::Role;
use serde_json::{Value, json};

/// Text that would do harm if it were put into a URL, a header or a document as it is, or that is no text of use.
fn hostile_names() -> Vec<String> {
    let mut names: Vec<String> = [
        "..",
        ".",
        "%2e%2e",
        "%2E%2E%2F",
        "shop%2Fissues",
        "shop/issues",
        "/shop",
        "shop/",
        "\\shop",
        "shop issues",
        " shop",
        "shop?per_page=1",
        "shop#top",
        "shop;a=b",
        "shop:443",
        "user@shop",
        "shop\0",
        "shop\r\nx-evil: 1",
        "shop\n",
        "shop\t",
        "\u{7f}",
        "ѕhop",
        "ｓｈｏｐ",
        "shop\u{200b}",
        "\u{202e}pohs",
        "shöp",
        "🚀",
        "$(id)",
        "{{ .inputs.name }}",
        "<script>",
        "' OR 1=1 --",
    ]
    .map(str::to_owned)
    .to_vec();
    names.push("a".repeat(101));
    names.push("a".repeat(1_000_000));
    names
}

fn properties(key: &str, value: &Value) -> String {
    let mut properties = json!({"org": "acme", "repo": "shop", "workflow": "deploy.yml"});
    properties[key] = value.clone();
    properties.to_string()
}

fn with_inputs(inputs: &str) -> String {
    format!(r#"{{"org":"acme","repo":"shop","workflow":"deploy.yml","workflowInputs":{inputs}}}"#)
}

/// Checks that a dispatch is refused for its properties, before anything is sent.
#[track_caller]
fn expect_invalid(bench: &Bench, result: Result<Started, Failure>, code: &str) -> Failure {
    let failure = expect_failure(result, &FailureKind::InvalidParameters, code);
    assert!(
        !failure.request_sent && failure.remedy.is_some(),
        "{failure:#?}"
    );
    assert!(
        failure.message.len() < 1_000,
        "{} bytes",
        failure.message.len()
    );
    bench.expect_nothing_sent();
    bench.expect_no_violations();
    failure
}

/// Path and body of the one request that starts a run, whatever GitHub answered to it.
async fn dispatched(repository: Repository, properties: &str) -> (String, String) {
    let bench = Bench::holding(repository).await;
    let result = bench.dispatch(properties).await;
    let sent = bench.exchanges("dispatch");
    assert_eq!(sent.len(), 1, "{result:#?}");
    assert_eq!((sent[0].method.as_str(), &sent[0].query), ("POST", &None));
    bench.expect_no_violations();
    (
        sent[0].path.clone(),
        String::from_utf8(sent[0].body.clone()).unwrap(),
    )
}

/// Body of the request that these inputs make.
async fn body_of(inputs: &str) -> String {
    let workflow = Workflow::new("deploy.yml");
    let repository = Repository::new("acme", "shop").workflow(workflow);
    let (path, body) = dispatched(repository, &with_inputs(inputs)).await;
    assert_eq!(path, DISPATCHES);
    body
}

/// Ten thousand arrays, one in the other.
fn deep_array() -> String {
    format!("{}{}", "[".repeat(10_000), "]".repeat(10_000))
}

const DISPATCHES: &str = "/repos/acme/shop/actions/workflows/deploy.yml/dispatches";

// Organization and repository.

#[tokio::test]
async fn a_hostile_organization_is_refused_and_nothing_is_sent() {
    let bench = Bench::new().await;
    for name in hostile_names() {
        let result = bench.dispatch(&properties("org", &json!(name))).await;
        expect_invalid(&bench, result, "invalid-organization");
    }
}

#[tokio::test]
async fn a_hostile_repository_is_refused_and_nothing_is_sent() {
    let bench = Bench::new().await;
    for name in hostile_names() {
        let result = bench.dispatch(&properties("repo", &json!(name))).await;
        expect_invalid(&bench, result, "invalid-repository");
    }
}

#[tokio::test]
async fn an_organization_or_repository_that_is_no_text_is_refused() {
    let bench = Bench::new().await;
    for value in [
        json!(1),
        json!(true),
        json!(["acme"]),
        json!({"login": "acme"}),
    ] {
        let result = bench.dispatch(&properties("org", &value)).await;
        expect_invalid(&bench, result, "invalid-organization");
        let result = bench.dispatch(&properties("repo", &value)).await;
        expect_invalid(&bench, result, "invalid-repository");
    }
}

#[tokio::test]
async fn an_empty_or_null_name_is_a_missing_one() {
    let bench = Bench::new().await;
    for value in [json!(""), Value::Null] {
        for (key, code) in [
            ("org", "missing-organization"),
            ("repo", "missing-repository"),
            ("workflow", "missing-workflow"),
        ] {
            let result = bench.dispatch(&properties(key, &value)).await;
            expect_invalid(&bench, result, code);
        }
    }
}

#[tokio::test]
async fn a_repository_of_dots_that_is_a_name_stays_a_name() {
    let bench = Bench::new().await;
    let result = bench.dispatch(&properties("repo", &json!("..."))).await;
    expect_failure(result, &FailureKind::Rejected, "repository-not-found");
    let paths: Vec<_> = bench
        .github
        .exchanges()
        .into_iter()
        .map(|it| it.path)
        .collect();
    assert_eq!(paths, ["/repos/acme/..."]);
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_name_with_every_allowed_character_arrives_as_it_is() {
    let repository =
        Repository::new("acme-corp_1", "Shop.web_2-x").workflow(Workflow::new("deploy.yml"));
    let properties = r#"{"org":"acme-corp_1","repo":"Shop.web_2-x","workflow":"deploy.yml"}"#;
    let (path, _) = dispatched(repository, properties).await;
    assert_eq!(
        path,
        "/repos/acme-corp_1/Shop.web_2-x/actions/workflows/deploy.yml/dispatches"
    );
}

// Workflows.

#[tokio::test]
async fn a_workflow_that_no_file_or_name_can_be_is_refused_and_nothing_is_sent() {
    let bench = Bench::new().await;
    let mut values = vec![
        json!("../../../user.yml"),
        json!(".github/workflows/../../x.yml"),
        json!(".github/workflows/nested/x.yml"),
        json!(".github/workflows/"),
        json!(".github/workflows/.."),
        json!("other/x.yml"),
        json!("/x.yml"),
        json!("..\\x.yml"),
        json!("x.yml/dispatches?y=.yml"),
        json!("deploy.yml\0"),
        json!("deploy\r\nx: y.yml"),
        json!("\u{1b}[31mdeploy.yml"),
        json!("   "),
        json!("18446744073709551616"),
        json!(-1),
        json!(1.5),
        json!(true),
        json!([]),
        json!({}),
    ];
    values.push(json!("a".repeat(501)));
    values.push(json!(format!("{}.yml", "a".repeat(1_000_000))));
    values.push(json!("9".repeat(400)));
    for value in values {
        let result = bench.dispatch(&properties("workflow", &value)).await;
        expect_invalid(&bench, result, "invalid-workflow");
    }
}

#[tokio::test]
async fn a_workflow_id_with_an_exponent_or_a_fraction_is_refused() {
    let bench = Bench::new().await;
    for id in ["1e3", "161335.0", "1e400", "18446744073709551616"] {
        let properties = format!(r#"{{"org":"acme","repo":"shop","workflow":{id}}}"#);
        let result = bench.dispatch(&properties).await;
        expect_invalid(&bench, result, "invalid-workflow");
    }
}

#[tokio::test]
async fn the_largest_workflow_id_keeps_all_its_digits() {
    let repository = || Repository::new("acme", "shop").workflow(Workflow::new("deploy.yml"));
    for id in [
        "18446744073709551615",
        "\"18446744073709551615\"",
        "9007199254740993",
    ] {
        let properties = format!(r#"{{"org":"acme","repo":"shop","workflow":{id}}}"#);
        let (path, _) = dispatched(repository(), &properties).await;
        let digits = id.trim_matches('"');
        assert_eq!(
            path,
            format!("/repos/acme/shop/actions/workflows/{digits}/dispatches")
        );
    }
}

#[tokio::test]
async fn a_hostile_file_name_is_encoded_as_one_segment() {
    for (name, segment) in [
        ("%2e%2e%2fx.yml", "%252e%252e%252fx.yml"),
        ("..yml.yml", "..yml.yml"),
        ("...yml", "...yml"),
        ("a?b=c.yml", "a%3Fb%3Dc.yml"),
        ("a#b.yml", "a%23b.yml"),
        ("a b.yml", "a%20b.yml"),
        ("a;b&c.yml", "a%3Bb%26c.yml"),
        ("a+b.yml", "a%2Bb.yml"),
        ("dеploy.yml", "d%D0%B5ploy.yml"),
        ("ü🚀.yaml", "%C3%BC%F0%9F%9A%80.yaml"),
        ("'\"<>`{}|^.yml", "%27%22%3C%3E%60%7B%7D%7C%5E.yml"),
        ("a@b:c.yml", "a%40b%3Ac.yml"),
        ("{{ x }}.yml", "%7B%7B%20x%20%7D%7D.yml"),
    ] {
        let repository = Repository::new("acme", "shop").workflow(Workflow::new("deploy.yml"));
        let (path, _) = dispatched(repository, &properties("workflow", &json!(name))).await;
        assert_eq!(
            path,
            format!("/repos/acme/shop/actions/workflows/{segment}/dispatches")
        );
    }
}

#[tokio::test]
async fn a_file_with_a_hostile_name_can_really_be_run() {
    let file = "a?b#c %2e%2e ü&.yml";
    let bench = Bench::of(Workflow::new(file)).await;
    bench
        .dispatch(&properties("workflow", &json!(file)))
        .await
        .unwrap();
    assert_eq!(bench.github.runs()[0].workflow, file);
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_hostile_display_name_is_only_compared_and_never_sent() {
    let bench = Bench::new().await;
    for name in [
        "..",
        "../../user",
        "%2e%2e",
        "a/b",
        "a?b",
        "a#b",
        "dеploy",
        "🚀",
        ".yml",
    ] {
        let result = bench.dispatch(&properties("workflow", &json!(name))).await;
        let failure = expect_failure(result, &FailureKind::Rejected, "workflow-not-found");
        assert!(!failure.request_sent);
    }
    let mut paths: Vec<_> = bench
        .github
        .exchanges()
        .into_iter()
        .map(|it| it.path)
        .collect();
    paths.sort();
    paths.dedup();
    assert_eq!(
        paths,
        ["/repos/acme/shop", "/repos/acme/shop/actions/workflows"]
    );
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_display_name_of_any_text_finds_its_file() {
    let name = "Déploy: ../../prod? #1 🚀";
    let bench = Bench::of(Workflow::new("deploy.yml").name(name)).await;
    bench
        .dispatch(&properties("workflow", &json!(name)))
        .await
        .unwrap();
    assert_eq!(bench.exchanges("dispatch")[0].path, DISPATCHES);
    bench.expect_no_violations();
}

// Refs.

#[tokio::test]
async fn a_ref_that_no_branch_can_have_is_refused_and_nothing_is_sent() {
    let bench = Bench::new().await;
    let mut values = vec![
        json!("main\0"),
        json!("main\r\nx: y"),
        json!("main\n"),
        json!("\u{7f}"),
        json!("\u{85}"),
        json!(true),
        json!([]),
        json!({"name": "main"}),
    ];
    values.push(json!("a".repeat(1_001)));
    values.push(json!("a".repeat(1_000_000)));
    for value in values {
        let result = bench.dispatch(&properties("ref", &value)).await;
        expect_invalid(&bench, result, "invalid-ref");
    }
}

#[tokio::test]
async fn a_hostile_ref_arrives_in_the_body_exactly_and_changes_no_path() {
    for name in [
        "..",
        "../../user",
        "%2e%2e",
        "feature/a b",
        "a?b#c",
        "\"},{\"ref\":\"main",
        "\\",
        "mаin",
        "main\u{200b}",
        "\u{202e}",
        "ü🚀",
        "refs/heads/x",
        "null",
        "{{ .ref }}",
    ] {
        let repository = Repository::new("acme", "shop").workflow(Workflow::new("deploy.yml"));
        let bench = Bench::holding(repository).await;
        let result = bench.dispatch(&properties("ref", &json!(name))).await;
        expect_failure(result, &FailureKind::Rejected, "ref-not-found");
        let sent = &bench.exchanges("dispatch")[0];
        assert_eq!(sent.path, DISPATCHES);
        let expected = format!(
            r#"{{"ref":{},"inputs":{{}},"return_run_details":true}}"#,
            json!(name)
        );
        assert_eq!(String::from_utf8_lossy(&sent.body), expected);
        bench.expect_no_violations();
    }
}

#[tokio::test]
async fn a_branch_with_a_hostile_name_can_really_be_run() {
    let branch = "feature/ü?#%2e%2e \"x\"";
    let repository = Repository::new("acme", "shop")
        .branch(branch)
        .workflow(Workflow::new("deploy.yml"));
    let bench = Bench::holding(repository).await;
    bench
        .dispatch(&properties("ref", &json!(branch)))
        .await
        .unwrap();
    assert_eq!(bench.github.runs()[0].reference, branch);
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_ref_that_looks_like_a_number_keeps_its_digits() {
    for number in ["1.0", "1.10", "007", "1e400", "12345678901234567890123"] {
        let repository = || Repository::new("acme", "shop").workflow(Workflow::new("deploy.yml"));
        let expected = format!(r#"{{"ref":"{number}","inputs":{{}},"return_run_details":true}}"#);
        let text = properties("ref", &json!(number));
        assert_eq!(dispatched(repository(), &text).await.1, expected);
        if number != "007" {
            let bare = text.replace(&format!("\"{number}\""), number);
            assert_eq!(dispatched(repository(), &bare).await.1, expected);
        }
    }
}

#[tokio::test]
async fn an_empty_or_null_ref_is_the_default_branch() {
    for value in [json!(""), Value::Null] {
        let repository = Repository::new("acme", "shop")
            .default_branch("trunk")
            .workflow(Workflow::new("deploy.yml"));
        let (_, body) = dispatched(repository, &properties("ref", &value)).await;
        assert_eq!(
            body,
            r#"{"ref":"trunk","inputs":{},"return_run_details":true}"#
        );
    }
}

#[tokio::test]
async fn a_ref_among_the_inputs_is_taken_out_of_them() {
    let body = body_of(r#"{"a":"1","ref":"v1","b":"2"}"#).await;
    assert_eq!(
        body,
        r#"{"ref":"v1","inputs":{"a":"1","b":"2"},"return_run_details":true}"#
    );
}

#[tokio::test]
async fn beside_a_separate_ref_an_input_may_be_called_ref() {
    let repository = Repository::new("acme", "shop").workflow(Workflow::new("deploy.yml"));
    let properties = r#"{"org":"acme","repo":"shop","workflow":"deploy.yml","ref":"v2","workflowInputs":{"ref":"v1"}}"#;
    let (_, body) = dispatched(repository, properties).await;
    assert_eq!(
        body,
        r#"{"ref":"v2","inputs":{"ref":"v1"},"return_run_details":true}"#
    );
}

// Inputs: what arrives.

/// One test for each value of an input, as JSON, and the JSON text that GitHub gets for it.
macro_rules! inputs {
    ($($name:ident: $given:expr => $sent:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let body = body_of(&format!(r#"{{"x":{}}}"#, $given)).await;
            let expected = format!(r#"{{"ref":"main","inputs":{{"x":{}}},"return_run_details":true}}"#, $sent);
            assert_eq!(body, expected);
        }
    )*};
}

inputs! {
    a_text_arrives_as_it_is: r#""prod""# => r#""prod""#;
    an_empty_text_arrives_as_it_is: r#""""# => r#""""#;
    a_text_of_spaces_arrives_as_it_is: r#""  \t ""# => r#""  \t ""#;
    line_ends_arrive_as_they_are: r#""a\r\nb\n""# => r#""a\r\nb\n""#;
    a_nul_arrives_as_it_is: r#""a\u0000b""# => r#""a\u0000b""#;
    control_characters_arrive_as_they_are: r#""\u001b[31m\u0007""# => r#""\u001b[31m\u0007""#;
    quotes_and_backslashes_arrive_as_they_are: r#""\"}\\,{\"""# => r#""\"}\\,{\"""#;
    escaped_letters_arrive_unescaped: r#""\u00fc\u0041\/\ud83d\ude80""# => r#""üA/🚀""#;
    letters_of_other_scripts_arrive_unescaped: r#""übеr 北京 🚀 \u202e""# => "\"übеr 北京 🚀 \u{202e}\"";
    line_separators_arrive_as_they_are: r#""\u2028\u2029""# => "\"\u{2028}\u{2029}\"";
    characters_in_two_normal_forms_stay_two: r#""\u00e9e\u0301""# => "\"\u{e9}e\u{301}\"";
    a_text_that_looks_like_a_url_path_arrives_as_it_is: r#""../../%2e%2e?x#y""# => r#""../../%2e%2e?x#y""#;
    a_text_that_looks_like_an_expression_arrives_as_it_is: r#""${{ secrets.TOKEN }}""# => r#""${{ secrets.TOKEN }}""#;
    a_text_that_looks_like_json_arrives_as_a_text: r#""{\"a\": 1.0}""# => r#""{\"a\": 1.0}""#;
    a_true_arrives_as_a_text: "true" => r#""true""#;
    a_false_arrives_as_a_text: "false" => r#""false""#;
    a_whole_number_arrives_as_a_text: "42" => r#""42""#;
    a_number_with_a_zero_fraction_keeps_it: "1.0" => r#""1.0""#;
    a_number_beyond_two_to_the_53_keeps_its_digits: "9007199254740993" => r#""9007199254740993""#;
    a_number_of_23_digits_keeps_them: "12345678901234567890123" => r#""12345678901234567890123""#;
    a_number_beyond_all_floats_is_not_infinity: "1e400" => r#""1e400""#;
    a_number_below_all_floats_is_not_zero: "-1E-400" => r#""-1E-400""#;
    a_negative_zero_keeps_its_sign: "-0" => r#""-0""#;
    a_long_fraction_keeps_its_digits: "0.1000000000000000055511151231257827" => r#""0.1000000000000000055511151231257827""#;
    an_object_arrives_as_compact_json_in_its_order:
        r#"{ "z" : 1.0 , "a" : [ 1e400, null, {"m":"\u00fc"} ] }"# => r#""{\"z\":1.0,\"a\":[1e400,null,{\"m\":\"ü\"}]}""#;
    an_array_arrives_as_compact_json: "[ 1, [ ], { } ]" => r#""[1,[],{}]""#;
    a_text_inside_an_object_is_escaped_twice: r#"{"a":"say \"hi\"\n"}"# => r#""{\"a\":\"say \\\"hi\\\"\\n\"}""#;
}

#[tokio::test]
async fn a_null_is_not_sent_at_all() {
    let body = body_of(r#"{"a":null,"b":"null","c":[null]}"#).await;
    assert_eq!(
        body,
        r#"{"ref":"main","inputs":{"b":"null","c":"[null]"},"return_run_details":true}"#
    );
}

#[tokio::test]
async fn inputs_keep_their_order() {
    let body = body_of(r#"{"z":"1","a":"2","10":"3","9":"4"}"#).await;
    assert_eq!(
        body,
        r#"{"ref":"main","inputs":{"z":"1","a":"2","10":"3","9":"4"},"return_run_details":true}"#
    );
}

#[tokio::test]
async fn hostile_names_of_inputs_arrive_as_they_are() {
    let names = r#"{"":"1","a\"b":"2","__proto__":"3","../x":"4","\u00fc\u0000":"5","Ref":"7","inputs":"8"}"#;
    let body = body_of(names).await;
    assert_eq!(
        body,
        r#"{"ref":"main","inputs":{"":"1","a\"b":"2","__proto__":"3","../x":"4","ü\u0000":"5","Ref":"7","inputs":"8"},"return_run_details":true}"#
    );
}

#[tokio::test]
async fn what_github_gets_is_what_the_workflow_gets() {
    let bench = Bench::of(Workflow::new("deploy.yml").input(Input::new("x"))).await;
    let value = "ü\0\r\n\"\\ 🚀 ${{ x }}";
    bench
        .dispatch(&with_inputs(&json!({"x": value}).to_string()))
        .await
        .unwrap();
    assert_eq!(bench.github.runs()[0].inputs["x"], value);
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_deep_object_within_the_limit_arrives_exactly() {
    let deep = format!("{}1.0{}", "[".repeat(100), "]".repeat(100));
    let body = body_of(&format!(r#"{{"x":{deep}}}"#)).await;
    assert_eq!(
        body,
        format!(r#"{{"ref":"main","inputs":{{"x":"{deep}"}},"return_run_details":true}}"#)
    );
}

// Inputs: what is refused.

#[tokio::test]
async fn inputs_that_are_no_object_are_refused() {
    let bench = Bench::new().await;
    for inputs in ["[]", "\"a\"", "\"{}\"", "1", "true", "[{\"a\":1}]"] {
        let result = bench.dispatch(&with_inputs(inputs)).await;
        expect_invalid(&bench, result, "invalid-inputs");
    }
}

#[tokio::test]
async fn null_inputs_are_no_inputs() {
    let body = body_of("null").await;
    assert_eq!(
        body,
        r#"{"ref":"main","inputs":{},"return_run_details":true}"#
    );
}

#[tokio::test]
async fn ten_thousand_inputs_are_refused() {
    let inputs: serde_json::Map<String, Value> =
        (0..10_000).map(|n| (format!("i{n}"), json!("x"))).collect();
    let bench = Bench::new().await;
    let result = bench
        .dispatch(&with_inputs(&json!(inputs).to_string()))
        .await;
    let failure = expect_invalid(&bench, result, "too-many-inputs");
    assert!(
        failure.message.contains("10000") && failure.message.contains("25"),
        "{failure:#?}"
    );
}

fn numbered(count: usize) -> String {
    let inputs: Vec<String> = (0..count).map(|n| format!(r#""i{n}":"x""#)).collect();
    format!("{{{}}}", inputs.join(","))
}

#[tokio::test]
async fn twenty_five_inputs_are_sent() {
    let workflow = (0..25).fold(Workflow::new("deploy.yml"), |workflow, n| {
        workflow.input(Input::new(format!("i{n}")))
    });
    let bench = Bench::of(workflow).await;
    bench.dispatch(&with_inputs(&numbered(25))).await.unwrap();
    assert_eq!(bench.github.runs()[0].inputs.len(), 25);
    bench.expect_no_violations();
}

#[tokio::test]
async fn twenty_six_inputs_are_refused() {
    let bench = Bench::new().await;
    let result = bench.dispatch(&with_inputs(&numbered(26))).await;
    let failure = expect_invalid(&bench, result, "too-many-inputs");
    assert!(failure.remedy.unwrap().contains("fromJSON"));
}

#[tokio::test]
async fn neither_a_null_nor_the_ref_counts_as_an_input() {
    let inputs = numbered(25).replace("{\"i0\"", "{\"ref\":\"main\",\"n\":null,\"i0\"");
    let body = body_of(&inputs).await;
    let expected = format!(
        r#"{{"ref":"main","inputs":{},"return_run_details":true}}"#,
        numbered(25)
    );
    assert_eq!(body, expected);
}

#[tokio::test]
async fn an_older_server_takes_ten_inputs_if_the_setting_says_so() {
    let role = Role {
        settings: r#"{"max-inputs":10}"#.to_owned(),
        ..Role::self_hosted("bench")
    };
    let bench = Bench::with(Options::default(), role).await;
    let result = bench.dispatch(&with_inputs(&numbered(11))).await;
    let failure = expect_invalid(&bench, result, "too-many-inputs");
    assert!(failure.message.contains("11") && failure.message.contains("10"));
}

/// Both sides of the limit of 65,535 characters: `unit` takes this many characters of JSON.
async fn at_the_limit(unit: &str, characters: usize) {
    // {"x":""} takes 8 of the characters.
    let fits = (65_535 - 8) / characters;
    let rest = "a".repeat((65_535 - 8) % characters);
    let largest = format!("{}{rest}", unit.repeat(fits));
    let bench = Bench::of(Workflow::new("deploy.yml").input(Input::new("x"))).await;
    let inputs = json!({"x": largest}).to_string();
    assert_eq!(inputs.chars().count(), 65_535);
    bench.dispatch(&with_inputs(&inputs)).await.unwrap();
    assert_eq!(bench.github.runs()[0].inputs["x"], largest);
    bench.expect_no_violations();

    let bench = Bench::of(Workflow::new("deploy.yml").input(Input::new("x"))).await;
    let inputs = json!({"x": format!("{largest}a")}).to_string();
    let result = bench.dispatch(&with_inputs(&inputs)).await;
    let failure = expect_invalid(&bench, result, "inputs-too-large");
    assert!(
        failure.message.contains("65536") && failure.message.contains("65535"),
        "{failure:#?}"
    );
}

#[tokio::test]
async fn sixty_five_thousand_letters_fit_and_one_more_does_not() {
    at_the_limit("a", 1).await;
}

#[tokio::test]
async fn the_limit_counts_characters_and_not_bytes() {
    at_the_limit("é", 1).await;
}

#[tokio::test]
async fn the_limit_counts_a_character_beyond_the_basic_plane_once() {
    at_the_limit("🚀", 1).await;
}

#[tokio::test]
async fn the_limit_counts_escapes() {
    at_the_limit("\"", 2).await;
}

#[tokio::test]
async fn the_limit_counts_what_is_sent_and_not_what_came() {
    // Six characters each as they came, one each as they are sent.
    let inputs = format!(r#"{{"x":"{}"}}"#, "\\u00e9".repeat(60_000));
    let bench = Bench::of(Workflow::new("deploy.yml").input(Input::new("x"))).await;
    bench.dispatch(&with_inputs(&inputs)).await.unwrap();
    assert_eq!(bench.github.runs()[0].inputs["x"], "é".repeat(60_000));
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_megabyte_in_an_input_is_refused() {
    let bench = Bench::new().await;
    for unit in ["a", "é", "\\\"", "\\u0000"] {
        let inputs = format!(r#"{{"x":"{}"}}"#, unit.repeat(1 << 20));
        let result = bench.dispatch(&with_inputs(&inputs)).await;
        expect_invalid(&bench, result, "inputs-too-large");
    }
}

#[tokio::test]
async fn a_megabyte_in_the_name_of_an_input_is_refused() {
    let bench = Bench::new().await;
    let inputs = format!(r#"{{"{}":"x"}}"#, "a".repeat(1 << 20));
    let result = bench.dispatch(&with_inputs(&inputs)).await;
    expect_invalid(&bench, result, "inputs-too-large");
}

// Properties that are no JSON, or not one JSON.

#[tokio::test]
async fn ten_thousand_levels_are_refused() {
    let bench = Bench::new().await;
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let deep = format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
        let result = bench
            .dispatch(&with_inputs(&format!(r#"{{"x":{deep}}}"#)))
            .await;
        expect_invalid(&bench, result, "invalid-properties");
    }
}

#[tokio::test]
async fn a_million_open_brackets_are_refused() {
    let bench = Bench::new().await;
    let result = bench.dispatch(&"[".repeat(1_000_000)).await;
    expect_invalid(&bench, result, "invalid-properties");
}

#[tokio::test]
async fn a_key_that_occurs_twice_is_refused_with_its_place() {
    let bench = Bench::new().await;
    for (properties, pointer) in [
        (
            r#"{"org":"acme","repo":"shop","workflow":"deploy.yml","org":"evil"}"#.to_owned(),
            "`/org`",
        ),
        (
            with_inputs(r#"{"env":"dev","env":"prod"}"#),
            "`/workflowInputs/env`",
        ),
        (
            with_inputs(r#"{"env":"dev","\u0065nv":"prod"}"#),
            "`/workflowInputs/env`",
        ),
        (
            with_inputs(r#"{"x":[{"a":1,"a":1}]}"#),
            "`/workflowInputs/x/0/a`",
        ),
    ] {
        let result = bench.dispatch(&properties).await;
        let failure = expect_invalid(&bench, result, "duplicate-key");
        assert!(failure.message.contains(pointer), "{failure:#?}");
    }
}

#[tokio::test]
async fn half_a_surrogate_pair_is_refused() {
    let bench = Bench::new().await;
    for text in [
        r#""\ud800""#,
        r#""\udc00""#,
        r#""\ud800\ud800""#,
        r#""\ud83dx""#,
        r#""\udc00\ud800""#,
    ] {
        let result = bench
            .dispatch(&with_inputs(&format!(r#"{{"x":{text}}}"#)))
            .await;
        expect_invalid(&bench, result, "invalid-properties");
        let result = bench
            .dispatch(&with_inputs(&format!(r#"{{{text}:"x"}}"#)))
            .await;
        expect_invalid(&bench, result, "invalid-properties");
    }
}

#[tokio::test]
async fn properties_that_are_no_json_object_are_refused() {
    let bench = Bench::new().await;
    for properties in [
        "",
        " ",
        "null",
        "[]",
        "\"{}\"",
        "42",
        "{",
        "{\"org\":\"acme\"",
        "{\"org\":\"acme\",}",
        "{'org':'acme'}",
        "{\"a\":NaN}",
        "{\"a\":Infinity}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":+1}",
        "{\"a\":0x10}",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\\x41\"}",
        "{} {}",
        "{}// comment",
        "\u{feff}{}",
        "\0",
        "<html>",
    ] {
        let result = bench.dispatch(properties).await;
        expect_invalid(&bench, result, "invalid-properties");
    }
}

#[tokio::test]
async fn properties_that_break_off_anywhere_are_refused() {
    let whole = with_inputs(r#"{"env":"pr\u00f6d","n":[1.0,true,null]}"#);
    let bench = Bench::new().await;
    for (end, _) in whole.char_indices() {
        let (beginning, _) = whole.split_at(end);
        let result = bench.dispatch(beginning).await;
        expect_invalid(&bench, result, "invalid-properties");
    }
}

#[tokio::test]
async fn a_megabyte_of_unknown_properties_changes_nothing() {
    let repository = Repository::new("acme", "shop").workflow(Workflow::new("deploy.yml"));
    let properties = properties("colour", &json!("é".repeat(1 << 19)));
    let (path, body) = dispatched(repository, &properties).await;
    assert_eq!(path, DISPATCHES);
    assert_eq!(
        body,
        r#"{"ref":"main","inputs":{},"return_run_details":true}"#
    );
}

// External run ids.

#[tokio::test]
async fn an_external_id_that_was_never_given_out_is_refused_and_nothing_is_sent() {
    let bench = Bench::new().await;
    let mut ids: Vec<String> = [
        "",
        "33",
        "gh_",
        "gh_1_2",
        "gh_1_2_3_4",
        "gh_1_2_3/../../4",
        "gh_1_2_%33",
        "gh_1_2_3\r\n",
        "gh_1_2_+3",
        "gh_1_2_-3",
        "gh_1_2_3.0",
        "gh_1_2_٣",
        "gh_1_2_18446744073709551616",
        "GH_1_2_3",
        " gh_1_2_3",
        "gh_1_2_3\0",
    ]
    .map(str::to_owned)
    .to_vec();
    ids.push(format!("gh_1_2_{}", "9".repeat(1_000_000)));
    for id in ids {
        let failure = expect_failure(
            bench.check(&id).await,
            &FailureKind::InvalidParameters,
            "invalid-external-run-id",
        );
        assert!(
            failure.message.len() < 1_000,
            "{} bytes",
            failure.message.len()
        );
        expect_failure(
            bench.cancel(&id).await,
            &FailureKind::InvalidParameters,
            "invalid-external-run-id",
        );
    }
    bench.expect_nothing_sent();
}

#[tokio::test]
async fn the_largest_run_id_keeps_all_its_digits() {
    let bench = Bench::new().await;
    let id = "gh_18446744073709551615_9007199254740993_18446744073709551615";
    expect_failure(
        bench.check(id).await,
        &FailureKind::Unavailable,
        "run-not-found",
    );
    let path = "/repos/acme/shop/actions/runs/18446744073709551615";
    assert_eq!(bench.exchanges("get-run")[0].path, path);
    bench.expect_no_violations();
}

// Deliveries.

/// A delivery of a run that has failed, from a bench whose log is empty.
async fn failed_run() -> (Bench, Value) {
    let workflow = Workflow::new("deploy.yml")
        .failing("test", "Run the tests")
        .manual();
    let bench = Bench::of(workflow).await;
    bench.hook();
    bench.dispatch(PROPERTIES).await.unwrap();
    bench.github.finish(bench.github.runs()[0].id, "failure");
    let delivery = bench.delivery("workflow_run", "completed").await;
    let body = serde_json::from_slice(&delivery.payload).unwrap();
    bench.github.clear_log();
    (bench, body)
}

async fn deliver(bench: &Bench, body: &Value) -> Result<Vec<RunUpdate>, Failure> {
    bench
        .deliver("workflow_run", body.to_string().as_bytes())
        .await
}

/// Checks that a delivery is refused as unreadable, and that nothing was asked because of it.
#[track_caller]
fn expect_unreadable(bench: &Bench, result: Result<Vec<RunUpdate>, Failure>) {
    let failure = expect_failure(result, &FailureKind::Internal, "unreadable-delivery");
    assert!(!failure.request_sent, "{failure:#?}");
    assert!(
        failure.message.len() < 1_000,
        "{} bytes",
        failure.message.len()
    );
    bench.expect_nothing_sent();
}

#[tokio::test]
async fn a_body_that_is_no_delivery_is_refused() {
    let bench = Bench::new().await;
    for body in [
        &b""[..],
        b" ",
        b"null",
        b"[]",
        b"{}",
        b"42",
        b"\"workflow_run\"",
        b"not JSON",
        b"<html>",
        b"\xff\xfe\x00",
        b"\xef\xbb\xbf{}",
        b"\0",
        br#"{"action":"completed"}"#,
        br#"{"action":"completed","workflow_run":null,"repository":null}"#,
        br#"{"action":"completed","workflow_run":[],"repository":{}}"#,
        br#"{"action":1,"workflow_run":{"id":1},"repository":{"id":1,"name":"a","owner":{"id":1,"login":"b"}}}"#,
        br#"{"action":"completed","workflow_run":{"id":1,"event":"workflow_dispatch"},"repository":{"id":1,"name":"a"}}"#,
    ] {
        for event in ["workflow_run", "workflow_job"] {
            expect_unreadable(&bench, bench.deliver(event, body).await);
        }
    }
}

#[tokio::test]
async fn a_form_without_a_readable_payload_is_refused() {
    let bench = Bench::new().await;
    for body in [
        &b""[..],
        b"payload",
        b"payload=",
        b"payload=%",
        b"payload=%ZZ",
        b"x=1&y=2",
        b"payload=%FF%FE",
        b"PAYLOAD=%7B%7D",
    ] {
        let form = "application/x-www-form-urlencoded";
        expect_unreadable(&bench, bench.deliver_as("workflow_run", form, body).await);
    }
}

#[tokio::test]
async fn a_delivery_that_breaks_off_anywhere_is_refused() {
    let (bench, body) = failed_run().await;
    let body = body.to_string();
    for end in (0..body.len()).step_by(61) {
        let result = bench.deliver("workflow_run", &body.as_bytes()[..end]).await;
        expect_unreadable(&bench, result);
    }
}

#[tokio::test]
async fn a_delivery_with_a_byte_that_is_no_utf_8_in_a_text_that_matters_is_refused() {
    let (bench, body) = failed_run().await;
    for text in ["workflow_dispatch", "\"completed\"", "\"failure\""] {
        let mut bytes = body.to_string().into_bytes();
        let at = bytes
            .windows(text.len())
            .position(|window| window == text.as_bytes())
            .unwrap();
        bytes[at + 1] = 0xff;
        expect_unreadable(&bench, bench.deliver("workflow_run", &bytes).await);
    }
}

#[tokio::test]
async fn ten_thousand_levels_in_a_field_that_matters_are_refused() {
    let (bench, body) = failed_run().await;
    for field in ["action", "workflow_run", "repository"] {
        let mut other = body.clone();
        other[field] = json!("DEEP");
        let text = other.to_string().replace("\"DEEP\"", &deep_array());
        expect_unreadable(&bench, bench.deliver("workflow_run", text.as_bytes()).await);
    }
}

#[tokio::test]
async fn ten_thousand_levels_where_nobody_looks_do_no_harm() {
    let (bench, mut body) = failed_run().await;
    body["workflow_run"]["conclusion"] = json!("success");
    let flat = deliver(&bench, &body).await.unwrap();
    body["sender"] = json!("DEEP");
    let text = body.to_string().replace("\"DEEP\"", &deep_array());
    match bench.deliver("workflow_run", text.as_bytes()).await {
        Ok(updates) => assert_eq!(updates, flat),
        refused => expect_unreadable(&bench, refused),
    }
    bench.expect_nothing_sent();
}

#[tokio::test]
async fn a_delivery_of_githubs_largest_size_is_read() {
    let (bench, mut body) = failed_run().await;
    body["workflow_run"]["conclusion"] = json!("success");
    body["workflow_run"]["head_commit"]["message"] = json!("");
    let small = body.to_string().len();
    body["workflow_run"]["head_commit"]["message"] =
        json!("é".repeat((25 * 1024 * 1024 - small) / 2));
    let updates = deliver(&bench, &body).await.unwrap();
    assert!(
        matches!(updates[0].change, Change::Completed(_)),
        "{updates:#?}"
    );
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_form_of_githubs_largest_size_is_read() {
    let (bench, mut body) = failed_run().await;
    body["workflow_run"]["conclusion"] = json!("success");
    body["workflow_run"]["head_commit"]["message"] = json!("");
    let encoded = |text: &str| -> String {
        url::form_urlencoded::Serializer::new(String::new())
            .append_pair("payload", text)
            .finish()
    };
    let small = encoded(&body.to_string()).len();
    body["workflow_run"]["head_commit"]["message"] = json!("a".repeat(25 * 1024 * 1024 - small));
    let form = encoded(&body.to_string());
    let updates = bench
        .deliver_as(
            "workflow_run",
            "application/x-www-form-urlencoded",
            form.as_bytes(),
        )
        .await
        .unwrap();
    assert!(
        matches!(updates[0].change, Change::Completed(_)),
        "{updates:#?}"
    );
    bench.expect_no_violations();
}

#[tokio::test]
async fn ids_beyond_two_to_the_53_keep_all_their_digits() {
    let (bench, mut body) = failed_run().await;
    body["workflow_run"]["conclusion"] = json!("success");
    body["workflow_run"]["id"] = json!(18_446_744_073_709_551_615_u64);
    body["repository"]["id"] = json!(9_007_199_254_740_993_u64);
    body["repository"]["owner"]["id"] = json!(9_007_199_254_740_995_u64);
    let updates = deliver(&bench, &body).await.unwrap();
    assert_eq!(
        updates[0].external_run_id,
        "gh_9007199254740995_9007199254740993_18446744073709551615"
    );
    bench.expect_no_violations();
}

#[tokio::test]
async fn ids_that_are_no_whole_numbers_are_refused() {
    let (bench, body) = failed_run().await;
    let id = body["workflow_run"]["id"].to_string();
    let text = body.to_string();
    for wrong in [
        "1e3",
        "1.0",
        "-1",
        "\"1\"",
        "18446744073709551616",
        "1e400",
        "true",
        "[]",
        "null",
    ] {
        let text = text.replacen(&format!(r#""id":{id}"#), &format!(r#""id":{wrong}"#), 1);
        expect_unreadable(&bench, bench.deliver("workflow_run", text.as_bytes()).await);
    }
}

#[tokio::test]
async fn an_attempt_that_is_no_small_number_is_refused() {
    let (bench, body) = failed_run().await;
    for wrong in [json!(4_294_967_296_u64), json!(-1), json!(1.5), json!("2")] {
        let mut body = body.clone();
        body["workflow_run"]["run_attempt"] = wrong;
        expect_unreadable(&bench, deliver(&bench, &body).await);
    }
}

#[tokio::test]
async fn a_repository_name_that_could_change_a_path_is_never_asked_for_and_the_end_is_reported() {
    let (bench, body) = failed_run().await;
    for name in [
        "..",
        ".",
        "../../user",
        "a/b",
        "a?b",
        "a#b",
        "a b",
        "%2e%2e",
        "",
        "ѕhop",
        "a\r\nb",
    ] {
        for member in ["name", "login"] {
            let mut body = body.clone();
            match member {
                "name" => body["repository"]["name"] = json!(name),
                _ => body["repository"]["owner"]["login"] = json!(name),
            }
            if member == "login" && name == "." {
                continue;
            }
            let updates = deliver(&bench, &body).await.unwrap();
            let Change::Completed(end) = &updates[0].change else {
                panic!("{updates:#?}")
            };
            assert_eq!((end.label.as_str(), &end.summary), ("Failed", &None));
            bench.expect_nothing_sent();
        }
    }
}

#[tokio::test]
async fn a_run_without_a_conclusion_in_such_a_repository_is_refused() {
    let (bench, mut body) = failed_run().await;
    body["workflow_run"]["conclusion"] = Value::Null;
    body["repository"]["name"] = json!("../../user");
    expect_unreadable(&bench, deliver(&bench, &body).await);
}

#[tokio::test]
async fn no_url_of_a_delivery_is_ever_requested() {
    let (bench, mut body) = failed_run().await;
    let stranger = GitHub::start(Options::default()).await.unwrap();
    let run = body["workflow_run"].as_object_mut().unwrap();
    for (key, value) in run {
        if key.ends_with("url") {
            *value = json!(format!("{}/{key}", stranger.api_url()));
        }
    }
    deliver(&bench, &body).await.unwrap();
    assert_eq!(stranger.exchanges(), []);
    let own: Vec<_> = bench
        .github
        .exchanges()
        .into_iter()
        .map(|it| it.operation)
        .collect();
    assert_eq!(own, ["list-jobs", "list-annotations"]);
    bench.expect_no_violations();
}

#[tokio::test]
async fn names_of_jobs_and_steps_can_put_neither_markup_nor_lines_into_a_summary() {
    let (bench, body) = failed_run().await;
    let jobs = json!({"total_count": 1, "jobs": [{
        "name": "[x](https://evil.example) <img src=x>\r\n# big\u{1b}[31m",
        "conclusion": "failure",
        "html_url": "javascript:alert(1)",
        "steps": [{"number": 2, "name": "`*_~|\n- item", "conclusion": "failure"}],
    }]});
    bench.github.inject(Fault::new(
        "list-jobs",
        Effect::answer(200, jobs.to_string()),
    ));
    let updates = deliver(&bench, &body).await.unwrap();
    let Change::Completed(end) = &updates[0].change else {
        panic!("{updates:#?}")
    };
    let summary = end.summary.as_ref().unwrap();
    assert_eq!(summary.lines().count(), 1, "{summary}");
    assert!(!summary.contains("javascript"), "{summary}");
    // A backslash takes the meaning from the character behind it (CommonMark 0.31 section 2.4).
    let mut left = summary.chars();
    while let Some(character) = left.next() {
        match character {
            '\\' => drop(left.next()),
            other => assert!(
                !"[]()<>`*_~|#!&".contains(other),
                "{summary} contains {other}"
            ),
        }
    }
    assert!(
        end.log
            .iter()
            .all(|line| !line.message.contains(char::is_control)),
        "{end:#?}"
    );
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_link_with_markup_in_it_is_left_out() {
    let (bench, body) = failed_run().await;
    for url in [
        "https://github.com/x) [y](z",
        "https://github.com/<x>",
        "https://github.com/x y",
        "data:text/html,x",
        "//evil.example",
    ] {
        bench.github.clear_faults();
        let jobs = json!({"total_count": 1, "jobs": [{"name": "test", "conclusion": "failure", "html_url": url, "steps": []}]});
        bench.github.inject(Fault::new(
            "list-jobs",
            Effect::answer(200, jobs.to_string()),
        ));
        let updates = deliver(&bench, &body).await.unwrap();
        let Change::Completed(end) = &updates[0].change else {
            panic!("{updates:#?}")
        };
        assert_eq!(end.summary.as_deref(), Some("- Job test failed"), "{url}");
    }
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_megabyte_in_the_name_of_a_job_is_cut() {
    let (bench, body) = failed_run().await;
    let jobs = json!({"total_count": 1, "jobs": [{"name": "é".repeat(1 << 20), "conclusion": "failure", "steps": []}]});
    bench.github.inject(Fault::new(
        "list-jobs",
        Effect::answer(200, jobs.to_string()),
    ));
    let updates = deliver(&bench, &body).await.unwrap();
    let Change::Completed(end) = &updates[0].change else {
        panic!("{updates:#?}")
    };
    assert!(end.summary.as_ref().unwrap().chars().count() < 500);
    assert!(
        end.log
            .iter()
            .all(|line| line.message.chars().count() <= 4_000)
    );
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_hostile_job_in_a_delivery_makes_one_plain_line() {
    let workflow = Workflow::new("deploy.yml")
        .jobs(["a\"\r\nERROR \u{1b}[31m 🚀"])
        .manual();
    let bench = Bench::of(workflow).await;
    bench.hook();
    bench.dispatch(PROPERTIES).await.unwrap();
    bench.github.finish(bench.github.runs()[0].id, "success");
    let delivery = bench.delivery("workflow_job", "completed").await;
    let updates = bench.forward(&delivery).await.unwrap();
    let Change::Progress(progress) = &updates[0].change else {
        panic!("{updates:#?}")
    };
    assert!(
        !progress.log[0].message.contains(char::is_control),
        "{progress:#?}"
    );
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_megabyte_in_the_conclusion_of_a_job_is_cut() {
    let (bench, body) = failed_run().await;
    let run = body["workflow_run"]["id"].clone();
    let delivery = json!({
        "action": "completed",
        "workflow_job": {"run_id": run, "run_attempt": 1, "name": "x".repeat(1 << 20), "conclusion": "y".repeat(1 << 20)},
        "repository": body["repository"],
    });
    let updates = bench
        .deliver("workflow_job", delivery.to_string().as_bytes())
        .await
        .unwrap();
    let Change::Progress(progress) = &updates[0].change else {
        panic!("{updates:#?}")
    };
    assert!(progress.log[0].message.chars().count() <= 4_000);
    bench.expect_nothing_sent();
}

// Answers.

#[tokio::test]
async fn a_run_id_that_does_not_fit_is_ambiguous() {
    for id in ["18446744073709551616", "-1", "1.0", "1e3", "\"33\"", "[]"] {
        let bench = Bench::new().await;
        let answer = Effect::process_then_answer(200, format!(r#"{{"workflow_run_id":{id}}}"#));
        bench.github.inject(Fault::new("dispatch", answer));
        let result = bench.dispatch(PROPERTIES).await;
        let failure = expect_failure(result, &FailureKind::Ambiguous, "unreadable-answer");
        assert!(failure.request_sent);
        assert_eq!(bench.requests("dispatch"), 1, "{id}");
        bench.expect_no_violations();
    }
}

#[tokio::test]
async fn the_largest_run_id_of_an_answer_keeps_all_its_digits() {
    let bench = Bench::new().await;
    let answer = Effect::process_then_answer(200, r#"{"workflow_run_id":18446744073709551615}"#);
    bench.github.inject(Fault::new("dispatch", answer));
    let started = bench.dispatch(PROPERTIES).await.unwrap();
    assert!(
        started.external_run_id.ends_with("_18446744073709551615"),
        "{started:#?}"
    );
    assert!(
        started
            .output
            .starts_with(r#"{"workflowRunId":18446744073709551615,"#),
        "{started:#?}"
    );
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_link_of_an_answer_that_is_no_url_is_replaced_by_the_runs_page() {
    for link in [
        "javascript:alert(1)",
        "https://github.com/a b",
        "https://github.com/\u{202e}",
        "data:,x",
        "",
    ] {
        let bench = Bench::new().await;
        let body = json!({"workflow_run_id": 33, "html_url": link});
        bench.github.inject(Fault::new(
            "dispatch",
            Effect::process_then_answer(200, body.to_string()),
        ));
        let started = bench.dispatch(PROPERTIES).await.unwrap();
        let page = format!("{}/acme/shop/actions/runs/33", bench.github.api_url());
        assert_eq!(started.link.as_deref(), Some(page.as_str()), "{link}");
        bench.expect_no_violations();
    }
}

#[tokio::test]
async fn a_repository_of_an_answer_whose_names_could_change_a_path_is_refused() {
    for (owner, name) in [
        ("acme", ".."),
        ("acme", "a/b"),
        ("..", "shop"),
        ("acme", "a?b"),
        ("a%2fb", "shop"),
        ("", "shop"),
    ] {
        let bench = Bench::new().await;
        let body = json!({"id": 1, "name": name, "owner": {"id": 2, "login": owner}, "default_branch": "main"});
        bench.github.inject(Fault::new(
            "get-repository",
            Effect::answer(200, body.to_string()),
        ));
        let result = bench.dispatch(PROPERTIES).await;
        let failure = expect_failure(result, &FailureKind::Rejected, "unreadable-answer");
        assert!(!failure.request_sent);
        assert_eq!(bench.github.exchanges().len(), 1);
        bench.expect_no_violations();
    }
}

#[tokio::test]
async fn a_default_branch_of_an_answer_is_only_a_text_in_the_body() {
    let bench = Bench::new().await;
    let branch = "\"},\"inputs\":{\"x\":\"../../";
    let body = json!({"id": 1, "name": "shop", "owner": {"id": 2, "login": "acme"}, "default_branch": branch});
    bench.github.inject(Fault::new(
        "get-repository",
        Effect::answer(200, body.to_string()),
    ));
    let result = bench.dispatch(PROPERTIES).await;
    expect_failure(result, &FailureKind::Rejected, "ref-not-found");
    let sent = &bench.exchanges("dispatch")[0];
    assert_eq!(sent.path, DISPATCHES);
    assert_eq!(sent.json().unwrap()["ref"], branch);
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_megabyte_of_error_text_is_cut() {
    let bench = Bench::new().await;
    let body = json!({"message": "é".repeat(1 << 20)});
    bench.github.inject(Fault::new(
        "dispatch",
        Effect::answer(422, body.to_string()),
    ));
    let failure = expect_failure(
        bench.dispatch(PROPERTIES).await,
        &FailureKind::Rejected,
        "request-refused",
    );
    assert!(failure.message.chars().count() < 1_100);
    bench.expect_no_violations();
}

#[tokio::test]
async fn an_endless_answer_is_read_only_so_far_and_ambiguous() {
    let bench = Bench::new().await;
    let answer = Effect::process_then_answer(200, " ".repeat(12 << 20));
    bench.github.inject(Fault::new("dispatch", answer));
    let failure = expect_failure(
        bench.dispatch(PROPERTIES).await,
        &FailureKind::Ambiguous,
        "unreadable-answer",
    );
    assert!(failure.request_sent);
    assert_eq!(bench.requests("dispatch"), 1);
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_deep_answer_is_ambiguous() {
    let bench = Bench::new().await;
    let deep = format!(r#"{{"workflow_run_id":{}}}"#, deep_array());
    bench.github.inject(Fault::new(
        "dispatch",
        Effect::process_then_answer(200, deep),
    ));
    expect_failure(
        bench.dispatch(PROPERTIES).await,
        &FailureKind::Ambiguous,
        "unreadable-answer",
    );
    assert_eq!(bench.requests("dispatch"), 1);
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_pause_that_is_no_number_is_left_to_the_host() {
    for value in ["", "soon", "-5", "1e3", "99999999999999999999999"] {
        let bench = Bench::new().await;
        let answer = Effect::Answer {
            status: 429,
            headers: vec![("retry-after".to_owned(), value.to_owned())],
            body: "{}".to_owned(),
        };
        bench.github.inject(Fault::new("dispatch", answer));
        expect_failure(
            bench.dispatch(PROPERTIES).await,
            &FailureKind::RateLimited(None),
            "rate-limited",
        );
        bench.expect_no_violations();
    }
}

#[tokio::test]
async fn redirects_in_a_circle_end() {
    let bench = Bench::new().await;
    let round = Effect::Answer {
        status: 301,
        headers: vec![("location".to_owned(), "/repos/acme/shop".to_owned())],
        body: "{}".to_owned(),
    };
    bench.github.inject(Fault::new("get-repository", round));
    expect_failure(
        bench.dispatch(PROPERTIES).await,
        &FailureKind::Rejected,
        "redirect-refused",
    );
    assert_eq!(bench.requests("get-repository"), 4);
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_redirect_that_leaves_the_origin_in_disguise_is_not_followed() {
    for location in [
        "//evil.example/x",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "http://user@evil.example",
        "",
    ] {
        let bench = Bench::new().await;
        let away = Effect::Answer {
            status: 301,
            headers: vec![("location".to_owned(), location.to_owned())],
            body: "{}".to_owned(),
        };
        bench.github.inject(Fault::new("get-repository", away));
        expect_failure(
            bench.dispatch(PROPERTIES).await,
            &FailureKind::Rejected,
            "redirect-refused",
        );
        assert_eq!(bench.github.exchanges().len(), 1, "{location}");
        bench.expect_no_violations();
    }
}
