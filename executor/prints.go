package executor

import (
	"context"
	"os"
	"path/filepath"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/build"
	"github.com/cachectl/cachectl/executor/fingerprint"
)

// prints computes fingerprints for a run.
type prints struct {
	run  *run
	dir  string
	memo *fingerprint.Memo
	opt  build.SolverOptions
}

func newPrints(r *run) *prints {
	p := &prints{run: r, dir: r.opt.CacheDir, opt: r.solverOptions()}
	if p.dir == "" {
		p.dir = cacheHome(r.opt.LookupEnv)
	}
	files := ""
	if p.dir != "" {
		files = filepath.Join(p.dir, "files")
	}
	p.memo = fingerprint.NewMemo(files)
	return p
}

// cacheHome is the user's cache directory for cachectl (XDG Base Directory Specification), "" if there is none.
func cacheHome(lookupEnv func(string) (string, bool)) string {
	if dir, _ := lookupEnv("XDG_CACHE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "cachectl")
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "cachectl")
}

// now returns a computer for this moment.
func (p *prints) now() *fingerprint.Computer {
	documents := ""
	if p.dir != "" {
		documents = filepath.Join(p.dir, "images")
	}
	return fingerprint.New(fingerprint.Options{
		Build: p.opt, Images: fingerprint.NewRegistryImages(p.run.env.Hosts, documents), Memo: p.memo,
		Builder: build.Elsewhere(p.run.builderOptions()),
	})
}

// still tells whether a target's fingerprint is what it was and was all the time: nothing was written while it was built.
func (p *prints) still(ctx context.Context, t *config.Target, before *fingerprint.Fingerprint) bool {
	after, err := p.now().Compute(ctx, t)
	return err == nil && before.Untouched(after)
}

// save keeps what was remembered.
func (p *prints) save() error { return p.memo.Save() }
