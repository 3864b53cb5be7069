package config

import (
	"fmt"
	"time"

	"github.com/cachectl/cachectl/schema"
	"github.com/hashicorp/hcl/v2"
	"github.com/robfig/cron/v3"
)

// Schedule is a schedule block: what is rebuilt at which times.
type Schedule struct {
	Name, Description string
	// Cron is the times as they were written, Location where they are meant.
	Cron     string
	Location *time.Location
	// Targets are targets, groups, transfers or patterns of them.
	Targets []string
	// NoCache executes every step again; Pull looks for newer base images.
	NoCache, Pull bool
	Range         hcl.Range

	times cron.Schedule
}

// Next returns the first time of the schedule after t, in its own location; zero if there is none within five years.
func (s *Schedule) Next(t time.Time) time.Time { return s.times.Next(t.In(s.Location)) }

// Selection is what the schedule selects.
func (s *Schedule) Selection() Selection {
	sel := Selection{Names: s.Targets}
	if s.NoCache {
		sel.Set = append(sel.Set, "*.no-cache=true")
	}
	if s.Pull {
		sel.Set = append(sel.Set, "*.pull=true")
	}
	return sel
}

// Scheduled is what the schedule of that name selects; an error if there is none.
func (c *Config) Scheduled(name string) (Selection, hcl.Diagnostics) {
	s := c.schedules[name]
	if s == nil {
		return Selection{}, hcl.Diagnostics{errorf(nil, "Unknown schedule", "There is no schedule named %q.%s", name, didYouMean(name, sortedNames(c.schedules)))}
	}
	return s.Selection(), nil
}

// Schedules are all schedules, sorted by name.
func (c *Config) Schedules() []*Schedule {
	var out []*Schedule
	for _, name := range sortedNames(c.schedules) {
		out = append(out, c.schedules[name])
	}
	return out
}

func (c *Config) readSchedules(blocks []*block) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, b := range blocks {
		if b.kind != schema.Schedule.Name {
			continue
		}
		if have := c.schedules[b.label]; have != nil {
			diags = append(diags, duplicate(b, have.Range)...)
			continue
		}
		s, d := c.readSchedule(b)
		diags = append(diags, d...)
		if s != nil {
			c.schedules[b.label] = s
		}
	}
	return diags
}

func (c *Config) readSchedule(b *block) (*Schedule, hcl.Diagnostics) {
	diags := b.unknownNames(&schema.Schedule)
	attrs, d := c.attributesOf(b, &schema.Schedule, nil)
	diags = append(diags, d...)
	for _, name := range []string{"cron", "targets"} {
		if b.attrs[name] == nil {
			diags = append(diags, errorf(&b.def, "Missing attribute", "Schedule %q needs %s: %s", b.label, name, schema.Schedule.Attribute(name).Doc))
		}
	}
	if diags.HasErrors() {
		return nil, diags
	}
	s := &Schedule{
		Name: b.label, Description: attrs.text("description"), Cron: attrs.text("cron"), Location: time.UTC, Targets: attrs.list("targets"),
		NoCache: attrs.truth("no-cache"), Pull: attrs.truth("pull"), Range: b.def,
	}
	var err error
	if s.times, err = cron.ParseStandard(s.Cron); err != nil {
		at := b.attrs["cron"].Expr.Range()
		diags = append(diags, errorf(&at, "Invalid schedule", "%q is not a time like \"0 3 * * *\" (minute, hour, day of month, month, day of week): %v.", s.Cron, err))
	}
	if v := attrs["timezone"]; v != nil {
		if s.Location, err = time.LoadLocation(attrs.text("timezone")); err != nil {
			diags = append(diags, errorf(&v.rng, "Invalid schedule", "%q is not a time zone like Europe/Berlin.", attrs.text("timezone")))
		}
	}
	if err := c.selectable(s.Targets); err != nil {
		at := b.attrs["targets"].Expr.Range()
		diags = append(diags, errorf(&at, "Unknown target", "Schedule %q: %v.", b.label, err))
	}
	return s, diags
}

// selectable tells whether names and patterns select something.
func (c *Config) selectable(names []string) error {
	if len(names) == 0 {
		return fmt.Errorf("it names no targets")
	}
	for _, n := range names {
		if isPattern(n) {
			if len(c.matching(n)) == 0 {
				return fmt.Errorf("nothing matches %q", n)
			}
			continue
		}
		if c.targets[n] == nil && c.groups[n] == nil && c.transfers[n] == nil {
			return fmt.Errorf("there is no target, group or transfer named %q.%s", n, didYouMean(n, c.all()))
		}
	}
	return nil
}
