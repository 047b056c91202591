# Reads what gen5fs --help or gen5fs COMMAND --help prints, and writes a line for each entry, its fields
# divided by tabs: a command, switch or mount option; what it takes ("-" for nothing); what it does, to
# the end of the first clause.

function finish(    i) {
    sub(/\.*[.:;]( .*)?$/, "", text)
    for (i = 1; i <= count; i++) {
        print names[i] "\t" (takes == "" ? "-" : takes) "\t" text
    }
    count = 0
}

# "-o, --options OPTIONS  what it does": what it takes stands behind the last name.
function start(line,    head) {
    sub(/^ +/, "", line)
    head = line
    text = ""
    if (match(line, /  +/)) {
        head = substr(line, 1, RSTART - 1)
        text = substr(line, RSTART + RLENGTH)
    }
    takes = ""
    if (match(head, /[ =][A-Z[][^ ]*/)) {
        takes = substr(head, RSTART + 1, RLENGTH - 1)
        # A long name leaves one space before what it does.
        if (text == "") {
            text = substr(head, RSTART + RLENGTH + 1)
        }
        head = substr(head, 1, RSTART - 1)
    }
    count = split(head, names, /, /)
}

/^  gen5fs [a-z]/ {
    finish()
    names[1] = $2
    takes = ""
    text = $0
    sub(/^.*  /, "", text)
    count = 1
    next
}

# Behind this there are no switches.
/^  -- / {
    finish()
    next
}

/^  -/ || /^      [a-z]/ {
    finish()
    start($0)
    next
}

# The description goes on, until another sentence begins.
/^        / && count > 0 {
    sub(/^ +/, "")
    if ($0 ~ /^[A-Z][a-z]/) {
        finish()
    } else {
        text = text (text == "" ? "" : " ") $0
    }
    next
}

{
    finish()
}

END {
    finish()
}
