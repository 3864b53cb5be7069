package function

import (
	"errors"
	"math/big"
	"strconv"
	"time"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// times holds dates. A timestamp is text in the form of RFC 3339 or, where said so, a number of seconds since 1970 UTC.
func times(opts Options) []entry {
	return []entry{
		{name: "formatdate", fn: stdlib.FormatDateFunc},
		{name: "formattimestamp", fn: formatTimestampFunc()},
		{name: "timeadd", fn: stdlib.TimeAddFunc},
		{name: "timestamp", fn: timestampFunc(opts.Now)},
		{name: "unixtimestampparse", fn: unixTimestampParseFunc()},
	}
}

func timestampFunc(now func() time.Time) function.Function {
	return function.New(&function.Spec{
		Description: "Returns the current time in UTC, in the form of RFC 3339.",
		Type:        function.StaticReturnType(cty.String),
		Impl: func([]cty.Value, cty.Type) (cty.Value, error) {
			return cty.StringVal(now().UTC().Format(time.RFC3339)), nil
		},
	})
}

// formatTimestampFunc is formatdate that also takes Unix time, and writes it for the format "X".
func formatTimestampFunc() function.Function {
	return function.New(&function.Spec{
		Description: `Formats a timestamp, RFC 3339 text or seconds since 1970, with the verbs of formatdate; "X" is seconds since 1970.`,
		Params: []function.Parameter{
			{Name: "format", Type: cty.String},
			{Name: "time", Type: cty.DynamicPseudoType},
		},
		Type: function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return formatTimestamp(args[0], args[1])
		},
	})
}

func formatTimestamp(format, when cty.Value) (cty.Value, error) {
	unix := format.AsString() == "X"
	switch when.Type() {
	case cty.String:
		if !unix {
			return stdlib.FormatDate(format, when)
		}
		t, err := time.Parse(time.RFC3339, when.AsString())
		if err != nil {
			return cty.NilVal, function.NewArgErrorf(1, "must be a timestamp in the form of RFC 3339, such as 2006-01-02T15:04:05Z")
		}
		return unixSeconds(t), nil
	case cty.Number:
		t, err := unixTime(when)
		if err != nil {
			return cty.NilVal, function.NewArgError(1, err)
		}
		if unix {
			return unixSeconds(t), nil
		}
		return stdlib.FormatDate(format, cty.StringVal(t.Format(time.RFC3339)))
	}
	return cty.NilVal, function.NewArgErrorf(1, "must be a timestamp as text or a number of seconds since 1970")
}

func unixSeconds(t time.Time) cty.Value {
	return cty.StringVal(strconv.FormatInt(t.Unix(), 10))
}

func unixTime(v cty.Value) (time.Time, error) {
	seconds, accuracy := v.AsBigFloat().Int64()
	if accuracy != big.Exact {
		return time.Time{}, errors.New("unix timestamp must be an integer")
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// unixTimestampParseFunc takes a Unix time apart.
func unixTimestampParseFunc() function.Function {
	return function.New(&function.Spec{
		Description: "Returns the parts of a time given as seconds since 1970, in UTC.",
		Params:      []function.Parameter{{Name: "unix_timestamp", Type: cty.Number, Description: "Seconds since 1970-01-01 UTC."}},
		Type:        function.StaticReturnType(timeParts(time.Time{}).Type()),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			t, err := unixTime(args[0])
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			return timeParts(t), nil
		},
	})
}

func timeParts(t time.Time) cty.Value {
	whole := func(n int) cty.Value { return cty.NumberIntVal(int64(n)) }
	isoYear, isoWeek := t.ISOWeek()
	return cty.ObjectVal(map[string]cty.Value{
		"year":         whole(t.Year()),
		"year_day":     whole(t.YearDay()),
		"day":          whole(t.Day()),
		"month":        whole(int(t.Month())),
		"month_name":   cty.StringVal(t.Month().String()),
		"weekday":      whole(int(t.Weekday())),
		"weekday_name": cty.StringVal(t.Weekday().String()),
		"hour":         whole(t.Hour()),
		"minute":       whole(t.Minute()),
		"second":       whole(t.Second()),
		"rfc3339":      cty.StringVal(t.Format(time.RFC3339)),
		"iso_year":     whole(isoYear),
		"iso_week":     whole(isoWeek),
	})
}
