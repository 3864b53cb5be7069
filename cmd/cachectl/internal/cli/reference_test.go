package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// reference is the page of the documentation about the command line, in Markdown, made from the commands themselves.
func reference() string {
	root, _ := newRoot(System())
	var b strings.Builder
	b.WriteString("# Command line\n\nThis page is made from the program's help (`go test ./cmd/cachectl/internal/cli -update`).\n\n")
	b.WriteString(strings.TrimSpace(strings.Split(root.Long, "Exit codes:")[0]) + "\n\n")
	b.WriteString("Data goes to standard output; progress, diagnostics, logs and summaries to standard error.\n\n")
	b.WriteString("| command | |\n|---|---|\n")
	commands := leaves(root)
	for _, c := range commands {
		fmt.Fprintf(&b, "| [%s](#%s) | %s |\n", c.CommandPath(), strings.ReplaceAll(c.CommandPath(), " ", "-"), c.Short)
	}
	b.WriteString("\n## Exit codes\n\n| code | meaning |\n|---|---|\n")
	for _, e := range exitCodes() {
		fmt.Fprintf(&b, "| %d | %s |\n", e.code, e.meaning)
	}
	b.WriteString("\nOf a run whose steps failed for different reasons the code is 4; when all share one of the reasons 5 to 8, it is that.\n")
	b.WriteString("\n## Flags of every command\n\n" + flagTable(root.PersistentFlags()))
	for _, c := range commands {
		document(&b, c)
	}
	b.WriteString(formats)
	return b.String()
}

// leaves are the commands that do something, in the order of the help.
func leaves(cmd *cobra.Command) []*cobra.Command {
	var list []*cobra.Command
	for _, c := range cmd.Commands() {
		switch {
		case c.Hidden:
		case c.HasSubCommands():
			list = append(list, leaves(c)...)
		default:
			list = append(list, c)
		}
	}
	return list
}

func document(b *strings.Builder, c *cobra.Command) {
	fmt.Fprintf(b, "\n## %s\n\n%s.\n", c.CommandPath(), c.Short)
	if c.Long != "" {
		fmt.Fprintf(b, "\n%s\n", c.Long)
	}
	fmt.Fprintf(b, "\n```\n%s\n```\n", c.UseLine())
	if c.Example != "" {
		fmt.Fprintf(b, "\nExamples:\n\n```sh\n%s\n```\n", dedent(c.Example))
	}
	if c.HasAvailableLocalFlags() {
		fmt.Fprintf(b, "\n%s", flagTable(c.NonInheritedFlags()))
	}
}

func dedent(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimPrefix(l, "  ")
	}
	return strings.Join(lines, "\n")
}

func flagTable(flags *pflag.FlagSet) string {
	var b strings.Builder
	b.WriteString("| flag | meaning | default |\n|---|---|---|\n")
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		kind, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if kind != "" {
			name += " " + kind
		}
		def := ""
		if f.DefValue != "" && f.DefValue != "[]" {
			def = "`" + f.DefValue + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, strings.ReplaceAll(usage, "|", "\\|"), def)
	})
	return b.String()
}

// formats describes the JSON forms.
const formats = `
## JSON

Every document has a ` + "`format_version`" + `; within a major version fields are only added. No document holds a secret.

### Report: apply --json, copy --json

| field | meaning |
|---|---|
| ` + "`started`, `seconds`" + ` | when the run began (UTC) and how long it took |
| ` + "`failed`" + ` | whether anything failed, was skipped or was canceled |
| ` + "`targets`, `transfers`" + ` | one entry each, sorted by name |
| ` + "`….outcome`" + ` | ` + "`done`, `failed`, `skipped` (something it needs failed), `canceled`" + ` |
| ` + "`….error`" + ` | why it failed |
| ` + "`….steps_cached`, `….steps_total`" + ` | steps of the Dockerfile, and how many of them came from a cache |
| ` + "`….bytes_in`, `….bytes_out`" + ` | bytes read from sources or handed over by the builder, and bytes sent to destinations |
| ` + "`….seconds`" + ` | from the first of its steps to the end of the last |
| ` + "`….sources[]`" + ` | ` + "`name`, `outcome` (`missing`: nothing usable there), `digest`, `error`" + ` |
| ` + "`….destinations[]`" + ` | ` + "`name`, `outcome` (`ignored`: failed, and ignore-error says to go on, or the destination is not to be had here), `digest`, `layers`, `bytes`, `pushed`, `changed`, `dry_run` (nothing was written: this is what would be), `error`" + ` |

### Metadata: apply --metadata-file

As docker buildx bake writes it: for each target the exporter's response (` + "`containerimage.digest`" + ` and so on), and besides it under
` + "`cachectl.cache`" + ` the target's entry of the report.

### A cache: inspect --json

` + "`name`, `digest`, `media_type`, `made_by`, `inline` (in an image), `manifest_bytes`, `records`, `results`, `lost_results`, `bytes`, `newest`" + `.
` + "`layers[]` has `digest`, `diff_id`, `media_type`, `compression`, `bytes`, `created`, `parent` (an index, -1 for none), `missing`" + `.
` + "`graph[]` are the records: `digest`, `inputs` (for each input the alternatives: `record`, `selector`), `results` (`layer` or `layers`, `created`, `lost`)" + `.

### Differences: diff --json

` + "`a`, `b` (`name`, `digest`), `equal`, and `records`, `layers`, `bytes`, each with `only_a`, `only_b`, `both`" + `: digests of cache keys, digests of layers'
tars, and bytes of blobs. ` + "`records.changed`" + ` are keys with results of other layers, ` + "`layers.changed`" + ` layers that are another blob on each side.

### Usage: du --json

` + "`bytes` and `layers`" + ` count each blob once in each registry or directory. ` + "`caches[]` has `name`, `used_by`, `digest`, `records`, `layers`, `bytes`, `unique_layers`, `unique_bytes`,\n`missing`, `error`; `shared[]` has `caches`, `layers`, `bytes`" + ` of what exactly those have in common.

### Findings: doctor --json

` + "`name`, and `findings[]` with `feature`, `answer` (`yes`, `no`, `unknown`), `seen` and `means`" + `. Features keep their names: ` + "`reach`, `upload`, `delete-manifest`, `delete-blob`,\n`chunked-upload`, `range`, `mount`, `image-manifest`, `index`, `docker-media-types`, `zstd`, `tag-moves`, `conditional-tag`, `referrers`, `retry-after`, `clean-up`; `write`,\n`replace` and `lock` of a directory" + `.

### Findings: verify --json

` + "`caches[]`" + ` in the order they were named, with ` + "`name`, `digest`, `whole`" + ` (now, after a repair), ` + "`results`, `usable`, `bytes_checked`, `error`" + `; ` + "`findings[]`" + ` with
` + "`kind`" + ` (` + "`absent`, `unusable`, `unlisted`, `missing`, `damaged`, `compression`, `diff-id`, `unread`" + `), ` + "`detail`" + ` and, for a layer, ` + "`digest`, `diff_id`, `bytes`, `compression`" + `; and after a repair
` + "`repair`" + ` with ` + "`restored[]`, `bytes_sent`, `dropped_results`, `digest`, `published`" + `.

### What went: prune --json

` + "`dry_run`" + `, and ` + "`stores[]`" + ` (repositories, directories, buckets) with ` + "`name`, `bytes_before`, `bytes_after`" + ` (distinct layers of the caches that were looked at), ` + "`error`" + `;
` + "`caches[]`" + ` with ` + "`name`, `retention`, `action`" + ` (` + "`keep`, `shrink`, `remove`, `skip`" + `), ` + "`reason`, `digest`, `error`" + ` and ` + "`before`, `after`" + ` (` + "`records`, `results`, `layers`, `bytes`" + `); ` + "`sweep`" + ` with
` + "`deleted`, `deleted_bytes`, `waiting`, `waiting_bytes`, `next`, `busy`" + `.

### Diagnostics: validate --json, --diagnostics json

` + "`valid`, `error_count`, `warning_count`, and `diagnostics[]` with `severity`, `summary`, `detail`, `range`" + ` (lines and columns count from 1, bytes from
0) and ` + "`snippet`" + `, the line the range begins in.
`
