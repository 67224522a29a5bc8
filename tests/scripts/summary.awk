# Reads `cargo test -- --show-output`, passes on what a person wants to see, and ends with the tests that were skipped and
# a line "N passed, N failed, N skipped". Exits 1 if a test failed, or if cargo failed for another reason.

# Which test binary the next lines are about, as cargo announces it.
/^ +Running / { suite = $0; sub(/^ +Running (unittests )?/, "", suite); sub(/ \(.*/, "", suite) }
/^ +Running .*\(.*deps\// { name = $0; sub(/.*deps\//, "", name); sub(/-[0-9a-f]+\)$/, "", name); suite = name }
/^ +Doc-tests / { suite = $2 " (documentation)" }

/^cargo test ended with [0-9]+$/ { code = $NF; next }

# What passing tests printed is only looked through for the reasons of skips.
/^successes:$/ { quiet = 1; next }
/^failures:$/ { quiet = 0 }
/^---- .* stdout ----$/ { test = $0; sub(/^---- /, "", test); sub(/ stdout ----$/, "", test) }
quiet && /^skipped: / {
    key = suite " " test
    if (!(key in why)) { order[++skips] = key; label[key] = suite ": " test; hollow++ }
    if (index(why[key], substr($0, 10)) == 0) why[key] = why[key] (why[key] == "" ? "" : "; ") substr($0, 10)
    next
}

/^test .* \.\.\. ignored/ {
    test = $0; sub(/^test /, "", test); sub(/ \.\.\. ignored.*/, "", test)
    reason = $0; if (!sub(/.* \.\.\. ignored, /, "", reason)) reason = "ignored"
    key = suite " " test; order[++skips] = key; label[key] = suite ": " test; why[key] = reason
}

/^test result: / {
    quiet = 0
    passed += field("passed"); failed += field("failed")
}

# The name of a suite is shown with the first line of it that is, so that suites without tests are not.
/^ +(Running|Doc-tests) / { heading = $0; next }
/^test result: ok\. 0 passed; 0 failed; 0 ignored/ { next }
!quiet && !/^test .* \.\.\. ok$/ && !/^running [0-9]+ tests?$/ && !/^$/ {
    if (heading != "") print heading
    heading = ""
    print
    fflush()
}

# The number before a word of libtest's result line.
function field(word,    i) {
    for (i = 2; i <= NF; i++) if ($i ~ "^" word) return $(i - 1)
    return 0
}

END {
    if (skips) print "\nSkipped:"
    for (i = 1; i <= skips; i++) print "  " label[order[i]] ": " why[order[i]]
    if (code == "") code = 1
    # A build error or a test binary that was killed has no result line of its own.
    if (code != 0 && failed == 0) failed = 1
    print "\n" passed - hollow " passed, " failed + 0 " failed, " skips + 0 " skipped"
    exit failed != 0
}
