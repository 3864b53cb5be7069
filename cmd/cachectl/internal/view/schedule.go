package view

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/cachectl/cachectl/config"
)

// Schedules prints schedules and when they are next due after now.
func Schedules(w io.Writer, list []*config.Schedule, now time.Time) error {
	cells := [][]string{{"SCHEDULE", "CRON", "NEXT", "TARGETS", "DESCRIPTION"}}
	for _, s := range list {
		cells = append(cells, []string{s.Name, s.Cron, due(s, now), strings.Join(s.Targets, ", "), oneLine(s.Description)})
	}
	table(w, cells)
	return nil
}

func due(s *config.Schedule, now time.Time) string {
	t := s.Next(now)
	if t.IsZero() {
		return "never"
	}
	return t.Format("2006-01-02 15:04 MST")
}

type scheduleJSON struct {
	Name        string     `json:"name"`
	Description string     `json:"description,omitempty"`
	Cron        string     `json:"cron"`
	Timezone    string     `json:"timezone"`
	Next        *time.Time `json:"next,omitempty"`
	Targets     []string   `json:"targets"`
	NoCache     bool       `json:"no_cache,omitempty"`
	Pull        bool       `json:"pull,omitempty"`
}

// SchedulesFormatVersion is the version of the JSON form. Within a major version fields are only added.
const SchedulesFormatVersion = "1.0"

// SchedulesJSON prints schedules for programs: {"format_version", "schedules"}.
func SchedulesJSON(w io.Writer, list []*config.Schedule, now time.Time) error {
	doc := struct {
		FormatVersion string         `json:"format_version"`
		Schedules     []scheduleJSON `json:"schedules"`
	}{SchedulesFormatVersion, []scheduleJSON{}}
	for _, s := range list {
		j := scheduleJSON{
			Name: s.Name, Description: printable(s.Description), Cron: s.Cron, Timezone: s.Location.String(), Targets: s.Targets, NoCache: s.NoCache, Pull: s.Pull,
		}
		if t := s.Next(now); !t.IsZero() {
			j.Next = &t
		}
		doc.Schedules = append(doc.Schedules, j)
	}
	return JSON(w, doc)
}

// Next says what is waited for.
func Next(w io.Writer, schedule string, at time.Time) {
	_, _ = fmt.Fprintf(w, "Next: %s at %s\n", schedule, at.Format("2006-01-02 15:04:05 MST"))
}
