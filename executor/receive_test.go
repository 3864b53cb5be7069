package executor

import (
	"errors"
	"syscall"
	"testing"
)

// The builder says of a layer that could not be kept that writing it failed, and no more: what it was decides the exit code.
func TestLayersThatCannotBeKeptAreTheReason(t *testing.T) {
	rc := &receiver{}
	told := errors.New("rpc error: code = Unknown desc = write: no space left on device")
	if got := rc.because(told); !errors.Is(got, told) {
		t.Errorf("without a failure here the reason is %v", got)
	}
	if err := rc.failed(nil); err != nil {
		t.Error(err)
	}
	_ = rc.failed(syscall.ENOSPC)
	_ = rc.failed(errors.New("what came after"))
	if got := rc.because(told); !errors.Is(got, syscall.ENOSPC) {
		t.Errorf("the reason is %v", got)
	}
	if got := rc.because(nil); got != nil {
		t.Errorf("a build that succeeded has the reason %v", got)
	}
}
