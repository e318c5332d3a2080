# Adds up what `cargo test` says. Each test program ends with a line "test result: …"; they are shown as "part result: …",
# so that exactly one line of that form comes out, at the end, and it counts everything.

/^test scenario::[a-z]+\/.* ok$/ { scenarios++ }
/^test (dispatch_outcomes|conclusions|plan_and_configure|hostile_values)::.* ok$/ { calls++ }

# What a test has left out because the machine lacks something. It stands wherever the output was just then.
/page: not tried in a browser/ { untried = "page: not tried in a browser, because chromium and chromedriver are not here" }

/^test result: / {
    parts++
    if ($3 != "ok.") bad = 1
    for (i = 2; i < NF; i++) {
        if ($(i + 1) == "passed;") passed += $i
        if ($(i + 1) == "failed;") failed += $i
        if ($(i + 1) == "ignored;") ignored += $i
        if ($(i + 1) == "filtered") filtered += $i
    }
    sub(/^test result/, "part result")
}

{ print; fflush() }

END {
    if (!parts) exit
    printf "\nthrough the real component: %d scenarios, %d tests of single calls\n", scenarios, calls
    if (untried) print untried
    printf "test result: %s. %d passed; %d failed; %d ignored; 0 measured; %d filtered out\n",
        (bad ? "FAILED" : "ok"), passed, failed, ignored, filtered
}
