package view

import (
	"io"
	"os"
	"sync"
)

// Output is standard output or standard error. What is written to it is taken clear of secrets; one Write ends before the next begins.
type Output struct {
	*os.File
	secrets *Secrets
	mu      sync.Mutex
}

// NewOutput returns an Output on f.
func NewOutput(f *os.File, secrets *Secrets) *Output { return &Output{File: f, secrets: secrets} }

// Write writes p without secrets.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, err := io.WriteString(o.File, o.secrets.Hide(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// WriteString is Write.
func (o *Output) WriteString(s string) (int, error) { return o.Write([]byte(s)) }
