# SPDX-License-Identifier: GPL-2.0
#
# Reads rows.txt, which says its format itself, and prints what it holds, a line each with tabs
# between the fields:
#
#	row	NUMBER	LINE	TEXT	and then, for that row,
#	test	PATTERN
#	kunit	CASE
#	reason	why it is not tested
#
# Of a line that is none of these it prints "wrong", and what is wrong with it. Whoever wants the
# rows reads this output: there is no second reader of rows.txt.

# A row's text goes on with lines that start with a bar.
function end_row()
{
	if (row)
		printf "row\t%s\t%d\t%s\n%s", row, line, text, rest
	row = ""
}

/^#/ || /^[ \t]*$/ {
	next
}

/^\[[A-Za-z0-9_]+\.[0-9]+\] [^ \t]/ {
	end_row()
	row = substr($1, 2, length($1) - 2)
	line = NR
	text = substr($0, length($1) + 2)
	rest = ""
	next
}

!row || !/^  / {
	rest = rest "wrong\tline " NR " is neither a row nor part of one: " $0 "\n"
	if (!row)
		printf "%s", rest
	next
}

/^  \| / {
	value = substr($0, 5)
	sub(/^[ \t]+/, "", value)
	sub(/[ \t]+$/, "", value)
	text = text " " value
	next
}

{
	value = $0
	sub(/^[ \t]+/, "", value)
	sub(/[ \t]+$/, "", value)
	kind = "test"
	if (sub(/^kunit:[ \t]*/, "", value))
		kind = "kunit"
	else if (sub(/^not tested:[ \t]*/, "", value))
		kind = "reason"
	if (value == "")
		rest = rest "wrong\trow " row " is not tested, and does not say why\n"
	rest = rest kind "\t" value "\n"
}

END {
	end_row()
}
