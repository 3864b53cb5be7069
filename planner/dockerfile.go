package planner

import (
	"bufio"
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/cachectl/cachectl/config"
	"github.com/hashicorp/hcl/v2"
)

// adviseMax tells where mode=min leaves out stages that are built: BuildKit then caches the layers of the result only, and the stages the
// result copies from are built again each time. An entry that several targets share is told of once.
func (d *draft) adviseMax() {
	left := map[hcl.Range][]string{}
	example := map[hcl.Range]string{}
	for _, t := range sortedBy(d.res.Targets, func(t *config.Target) string { return t.Name }) {
		stages := parseStages(d.dockerfile(t))
		lost := copiedOnly(stages, t.Stage)
		if len(lost) == 0 || slices.ContainsFunc(t.CacheTo, func(c config.Cache) bool { return c.String("mode") == "max" }) {
			continue
		}
		for _, c := range t.CacheTo {
			if c.Type != "inline" && c.String("mode") == "min" {
				left[c.Range] = append(left[c.Range], t.Name)
				example[c.Range] = lost[0]
			}
		}
	}
	for at, names := range left {
		d.advise(at, "Stages left out of the cache", "mode=min caches the layers of the result only; %s copies from stage %s, which is built again each time. Use mode=max.",
			enumerate(names), example[at])
	}
}

// dockerfile is the content of a target's Dockerfile, nil if it is not at hand.
func (d *draft) dockerfile(t *config.Target) []byte {
	if t.DockerfileInline != nil {
		return []byte(*t.DockerfileInline)
	}
	return d.files[t.Name]
}

// stage is what matters here of a stage of a Dockerfile.
type stage struct {
	name, base string
	copies     []string // what it copies or mounts from
	runs       bool     // it executes something
}

var (
	fromLine = regexp.MustCompile(`(?i)^FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?`)
	runLine  = regexp.MustCompile(`(?i)^RUN\s`)
	copyFrom = regexp.MustCompile(`(?i)^(?:COPY|ADD)\s(?:.*\s)?--from=(\S+)`)
	mounted  = regexp.MustCompile(`--mount=\S*\bfrom=([^,\s]+)`)
	heredoc  = regexp.MustCompile(`<<-?\s*["']?([A-Za-z_][A-Za-z0-9_]*)["']?`)
)

// parseStages reads the stages of a Dockerfile, as well as advice needs it: instructions over several lines and here-documents are followed, parser
// directives and variables are not.
func parseStages(dockerfile []byte) []*stage {
	var stages []*stage
	for _, line := range instructions(dockerfile) {
		if m := fromLine.FindStringSubmatch(line); m != nil {
			stages = append(stages, &stage{name: strings.ToLower(m[2]), base: strings.ToLower(m[1])})
			continue
		}
		if len(stages) == 0 {
			continue
		}
		s := stages[len(stages)-1]
		s.runs = s.runs || runLine.MatchString(line)
		for _, m := range append(copyFrom.FindAllStringSubmatch(line, -1), mounted.FindAllStringSubmatch(line, -1)...) {
			s.copies = append(s.copies, strings.ToLower(m[1]))
		}
	}
	return stages
}

// instructions joins the lines of each instruction and drops comments and the bodies of here-documents.
func instructions(dockerfile []byte) []string {
	var out []string
	var current strings.Builder
	end := ""
	lines := bufio.NewScanner(bytes.NewReader(dockerfile))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		switch {
		case end != "":
			if line == end {
				end = ""
			}
			continue
		case line == "" || strings.HasPrefix(line, "#"):
			continue
		}
		text, goesOn := strings.CutSuffix(line, `\`)
		current.WriteString(text + " ")
		if goesOn {
			continue
		}
		instruction := strings.TrimSpace(current.String())
		current.Reset()
		if m := heredoc.FindStringSubmatch(instruction); m != nil {
			end = m[1]
		}
		out = append(out, instruction)
	}
	return out
}

// copiedOnly are the stages that the target stage needs and does not build on, and that execute something: what mode=min leaves out. They come
// in the order of the file. With "target" nil the last stage is built.
func copiedOnly(stages []*stage, target *string) []string {
	last := len(stages) - 1
	if target != nil {
		last = find(stages, len(stages), strings.ToLower(*target))
	}
	if last < 0 {
		return nil
	}
	kept := map[int]bool{}
	for at := last; at >= 0; at = find(stages, at, stages[at].base) {
		kept[at] = true
	}
	needed := map[int]bool{}
	for queue := []int{last}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		for _, name := range append(slices.Clone(stages[at].copies), stages[at].base) {
			if next := find(stages, at, name); next >= 0 && !needed[next] {
				needed[next] = true
				queue = append(queue, next)
			}
		}
	}
	var lost []string
	for at := range last {
		if needed[at] && !kept[at] && stages[at].runs {
			lost = append(lost, stages[at].title(at))
		}
	}
	return lost
}

// find is the place of the stage of that name or number among those before a place, -1 if there is none.
func find(stages []*stage, before int, name string) int {
	for at := before - 1; at >= 0; at-- {
		if stages[at].name != "" && stages[at].name == name {
			return at
		}
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 0 && n < before {
		return n
	}
	return -1
}

func (s *stage) title(at int) string {
	if s.name != "" {
		return strconv.Quote(s.name)
	}
	return strconv.Itoa(at)
}
