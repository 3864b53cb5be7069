package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// monorepo is a generated repository: services that repeat two shared base stages in their Dockerfiles, as Bake needs it to hit at all.
type monorepo struct{ dir string }

const shared = `FROM scratch AS base
COPY --from=files busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
FROM base AS sdk
COPY --from=files sdk /sdk
RUN cp /sdk /sdk.copy && echo tools > /tools
`

const service = `FROM sdk AS deps
COPY deps /deps
RUN cp /deps /vendor
FROM deps AS build
COPY src /src
RUN cat /src/* > /out
FROM base
COPY --from=build /out /out
`

func newMonorepo(dir string) (*monorepo, error) {
	if err := os.MkdirAll(filepath.Join(dir, "files"), 0o755); err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same repository every time
	if err := os.WriteFile(filepath.Join(dir, "files", "sdk"), content(random, 12<<20), 0o644); err != nil {
		return nil, err
	}
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return nil, err
	}
	program, err := os.ReadFile(busybox)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "files", "busybox"), program, 0o755); err != nil {
		return nil, err
	}
	for i := range *targets {
		svc := filepath.Join(dir, name(i))
		if err := os.MkdirAll(filepath.Join(svc, "src"), 0o755); err != nil {
			return nil, err
		}
		files := map[string][]byte{"Dockerfile": []byte(shared + service), "deps": content(random, *mb<<20)}
		for f := range 30 {
			files[fmt.Sprintf("src/f%02d", f)] = []byte(fmt.Sprintf("service %d file %d\n", i, f))
		}
		for n, c := range files {
			if err := os.WriteFile(filepath.Join(svc, n), c, 0o644); err != nil {
				return nil, err
			}
		}
	}
	return &monorepo{dir: dir}, nil
}

func name(i int) string { return fmt.Sprintf("svc%03d", i) }

// content is n bytes that compress to about half.
func content(random *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := 0; i < n; i += 8 {
		v := random.Uint64()
		for k := range 3 {
			b[i+k] = byte(v >> (8 * k))
		}
	}
	return b
}

// write makes the file that both tools read.
func (m *monorepo) write(registry string) (string, error) {
	var b strings.Builder
	var names []string
	for i := range *targets {
		names = append(names, fmt.Sprintf("%q", name(i)))
		ref := fmt.Sprintf("%s/%s:main", registry, name(i))
		fmt.Fprintf(&b, "target %q {\n  context = %q\n  contexts = { files = %q }\n", name(i), filepath.Join(m.dir, name(i)), filepath.Join(m.dir, "files"))
		fmt.Fprintf(&b, "  cache-from = [\"type=registry,ref=%s\"]\n  cache-to = [\"type=registry,ref=%s,mode=max\"]\n  output = [\"type=cacheonly\"]\n}\n", ref, ref)
	}
	fmt.Fprintf(&b, "group \"default\" { targets = [%s] }\n", strings.Join(names, ", "))
	path := filepath.Join(m.dir, "docker-bake.hcl")
	return path, os.WriteFile(path, []byte(b.String()), 0o644)
}

// change edits one file of one service.
func (m *monorepo) change(seed int) error {
	return os.WriteFile(filepath.Join(m.dir, name(*targets/2), "src", "f00"), []byte(fmt.Sprintf("changed %d\n", seed)), 0o644)
}
