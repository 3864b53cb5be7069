package function

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// matchTime bounds a search for all matches. RE2 is linear for one match, but the search for each further match may read to the
// end of the text again; only searches that could get slow are timed.
const matchTime = 2 * time.Second

// patterns holds the functions over regular expressions, which have RE2's syntax.
func patterns() []entry {
	return []entry{
		{name: "regex", fn: stdlib.RegexFunc, guard: guardRegex},
		{name: "regex_replace", fn: stdlib.RegexReplaceFunc, guard: guardRegexReplace},
		{name: "regexall", fn: stdlib.RegexAllFunc, guard: guardRegexAll},
	}
}

func guardRegex(args []cty.Value) error {
	_, err := affordablePattern(args, 0, len(text(args, 1)))
	return err
}

func guardRegexAll(args []cty.Value) error {
	str := text(args, 1)
	steps, err := affordablePattern(args, 0, len(str))
	if err != nil {
		return err
	}
	_, err = countMatches(text(args, 0), str, steps, MaxElements)
	return err
}

func guardRegexReplace(args []cty.Value) error {
	str, pattern, replacement := text(args, 0), text(args, 1), text(args, 2)
	steps, err := affordablePattern(args, 1, len(str))
	if err != nil {
		return err
	}
	matches, err := countMatches(pattern, str, steps, len(str)+1)
	if err != nil {
		return err
	}
	// Each reference in the replacement prints at most all that was matched.
	most := len(str) + matches*len(replacement) + strings.Count(replacement, "$")*len(str)
	if most > maxFormatted {
		return tooLong(most)
	}
	return nil
}

// affordablePattern returns the number of instructions of the pattern args[i], or an error where it is too long or where reading
// n bytes with it would take too long. A pattern that does not compile is left for the function itself to refuse.
func affordablePattern(args []cty.Value, i, n int) (int, error) {
	pattern := text(args, i)
	if len(pattern) > MaxPattern {
		return 0, function.NewArgError(i, fmt.Errorf("the pattern has %d bytes; the limit is %d", len(pattern), MaxPattern))
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 0, nil //nolint:nilerr // the pattern decides; what it cannot match is no match
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return 0, nil //nolint:nilerr // as above
	}
	return len(program.Inst), tooSlow(len(program.Inst), n)
}

// stopped ends a search from inside the callback of the regexp package, which offers no other way out.
type stopped struct{ err error }

// countMatches counts the matches of pattern in str, up to limit. It only looks where the answer could be too large or too long in
// coming, and otherwise returns len(str)+1, the most there can be.
func countMatches(pattern, str string, steps, limit int) (n int, err error) {
	most := len(str) + 1
	if most <= limit && tooSlow(steps*most, most) == nil {
		return most, nil
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return 0, nil
	}
	defer func() {
		if r := recover(); r != nil {
			stop, ok := r.(stopped)
			if !ok {
				panic(r)
			}
			err = stop.err
		}
	}()
	end := time.Now().Add(matchTime)
	re.ReplaceAllStringFunc(str, func(string) string {
		if n++; n > limit {
			panic(stopped{tooMany(n)})
		}
		if time.Now().After(end) {
			panic(stopped{fmt.Errorf("matching took more than %s", matchTime)})
		}
		return ""
	})
	return n, nil
}
