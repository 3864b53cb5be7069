package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/time/rate"
)

// process is a server that is stopped at the end.
type process struct{ cmd *exec.Cmd }

func start(ready func() bool, log string, name string, args ...string) (*process, error) {
	f, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = f, f
	cmd.Env = append(os.Environ(), "OTEL_TRACES_EXPORTER=none")
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	for range 500 {
		if ready() {
			return &process{cmd}, nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil, fmt.Errorf("%s did not answer; see %s", name, log)
}

func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.cmd.Wait()
}

func listens(network, addr string) bool {
	c, err := net.DialTimeout(network, addr, time.Second)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close() //nolint:errcheck // nothing was written
	return l.Addr().String(), nil
}

// daemon is a buildkitd with an empty cache.
type daemon struct {
	*process
	addr string
	dir  string
}

func startDaemon(dir string) (*daemon, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	// The path of a socket must be short.
	sock := filepath.Join(os.TempDir(), fmt.Sprintf("bench-%d-%d.sock", os.Getpid(), time.Now().UnixNano()%1e6))
	runc, err := exec.LookPath("runc")
	if err != nil {
		runc = "/usr/sbin/runc"
	}
	p, err := start(func() bool { return listens("unix", sock) }, filepath.Join(dir, "log"), ".tools/bin/buildkitd",
		"--root", filepath.Join(dir, "root"), "--addr", "unix://"+sock, "--oci-worker-net=host", "--oci-worker-binary="+runc, "--containerd-worker=false")
	if err != nil {
		return nil, err
	}
	return &daemon{process: p, addr: "unix://" + sock, dir: dir}, nil
}

// stop ends the daemon and takes away what it left mounted.
func (d *daemon) stop() {
	d.process.stop()
	raw, _ := os.ReadFile("/proc/self/mounts")
	for line := range strings.Lines(string(raw)) {
		if f := strings.Fields(line); len(f) > 1 && strings.HasPrefix(f[1], d.dir+"/") {
			_ = syscall.Unmount(f[1], syscall.MNT_DETACH)
		}
	}
}

// cpu is the processor time the daemon and its ended children have used.
func (d *daemon) cpu() time.Duration {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", d.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+2:]))
	var ticks int64
	for _, i := range []int{11, 12, 13, 14} { // utime, stime, cutime, cstime (proc(5))
		n, _ := strconv.ParseInt(fields[i], 10, 64)
		ticks += n
	}
	return time.Duration(ticks) * time.Second / 100
}

// registry is a registry behind a proxy that counts, and lets no more through than a limit if it has one.
type registry struct {
	*process
	addr     string
	server   *http.Server
	requests atomic.Int64
	bytes    atomic.Int64
	// limit is for what is sent to it, in bytes per second.
	limit *rate.Limiter
}

type counts struct{ requests, bytes int64 }

func (r *registry) counts() counts { return counts{r.requests.Load(), r.bytes.Load()} }

func startRegistry(dir string) (*registry, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	backend, err := freeAddr()
	if err != nil {
		return nil, err
	}
	cfg := filepath.Join(dir, "config.yml")
	text := fmt.Sprintf("version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: %s/data}}\nhttp: {addr: %q}\n", dir, backend)
	if err := os.WriteFile(cfg, []byte(text), 0o644); err != nil {
		return nil, err
	}
	p, err := start(func() bool { return listens("tcp", backend) }, filepath.Join(dir, "log"), ".tools/bin/registry", "serve", cfg)
	if err != nil {
		return nil, err
	}
	r := &registry{process: p, limit: rate.NewLimiter(rate.Inf, limitBurst)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r.addr = l.Addr().String()
	proxy := &httputil.ReverseProxy{
		Rewrite: func(req *httputil.ProxyRequest) {
			req.SetURL(&url.URL{Scheme: "http", Host: backend})
			req.Out.Host = req.In.Host // upload locations must lead back here
		},
		ModifyResponse: func(resp *http.Response) error {
			resp.Body = &counting{resp.Body, &r.bytes, nil}
			return nil
		},
	}
	r.server = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.requests.Add(1)
		req.Body = &counting{req.Body, &r.bytes, r.limit}
		proxy.ServeHTTP(w, req)
	})}
	go func() { _ = r.server.Serve(l) }()
	return r, nil
}

func (r *registry) stop() {
	_ = r.server.Close()
	r.process.stop()
}

// limitBurst is the most bytes that pass at once.
const limitBurst = 64 << 10

// counting counts the bytes of a body, and lets them pass at a rate if there is one.
type counting struct {
	io.ReadCloser
	n     *atomic.Int64
	limit *rate.Limiter
}

func (c *counting) Read(p []byte) (int, error) {
	if c.limit != nil {
		p = p[:min(len(p), limitBurst)]
	}
	n, err := c.ReadCloser.Read(p)
	c.n.Add(int64(n))
	if c.limit != nil && n > 0 {
		if werr := c.limit.WaitN(context.Background(), n); err == nil {
			err = werr
		}
	}
	return n, err
}
