package schema

// Form is what a value must look like beyond its kind. The zero Form is anything.
type Form struct {
	// Pattern is a regular expression for the whole value, in what Go and JSON Schema have in common.
	Pattern string
	// Says is what the value must be, in words.
	Says string
	// Example is a value that matches, Counterexample one that does not.
	Example, Counterexample string
}

// The forms of values.
var (
	address = Form{
		Pattern: `(https?://[^,/?# ]+[^, ]*)?`, Says: "an address like https://storage.example.com",
		Example: "https://storage.example.com", Counterexample: "storage.example.com",
	}
	duration = Form{
		Pattern: `([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+|0`, Says: "a time like 24h or 90m",
		Example: "90m", Counterexample: "soon",
	}
	positive = Form{Pattern: `\+?0*[1-9][0-9]*`, Says: "1 or more", Example: "3", Counterexample: "0"}
	nameList = Form{
		Pattern: `[^,]*[^,;][^,]*`, Says: "a name, or several with ; between them",
		Example: "main", Counterexample: ";",
	}
	repository = Form{
		Pattern: `[^/?#%, ]+/[^/?#%, ]+`, Says: "a repository like team/app",
		Example: "team/app", Counterexample: "app",
	}
)
