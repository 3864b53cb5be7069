package config

// Resolution is what takes part in one run.
type Resolution struct {
	// Targets are the selected targets and those they link to, sorted by name; Groups those that were named or reached.
	Targets []*Target
	Groups  []*Group
	// Transfers are the selected transfers, sorted by name.
	Transfers []*Transfer
	// Registries and Builders are all that were declared, sorted by host and name.
	Registries []*Registry
	Builders   []*Builder
	// Schedules are all schedules, sorted by name.
	Schedules []*Schedule
	// Retentions are all that were declared, sorted by name.
	Retentions []*Retention

	values    map[string]attributes
	lookupEnv func(string) (string, bool)
	access    *access // of a definition that was fetched
}

// Group is a named list of targets and groups, as resolved for print.
type Group struct {
	Name        string
	Description string
	Targets     []string
}

// Selection says what of a configuration takes part.
type Selection struct {
	// Names are targets, groups, transfers or patterns of them; none means "default".
	Names []string
	// Set are "PATTERN.ATTRIBUTE[.KEY][+]=VALUE" changes, in order.
	Set []string
}
