package executor_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/internal/testenv"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// TestAttributesReachTheBuild builds one target that uses what a target can say, and looks at what came out.
func TestAttributesReachTheBuild(t *testing.T) {
	reg := testenv.StartRegistry(t, testenv.RegistryOptions{})
	out := filepath.Join(t.TempDir(), "out")
	dir := testenv.Write(t, map[string]string{"secret.txt": "from a file", "extra/file": "from a named context", "main": "from the context"})
	t.Setenv("CANARY_SECRET", "from the environment")
	hcl := fmt.Sprintf(`target "_base" {
  args     = { FROM_BASE = "inherited" }
  labels   = { team = "base", kept = "yes" }
  contexts = { busybox = %q }
}
target "app" {
  inherits          = ["_base"]
  context           = "."
  contexts          = { extra = "extra" }
  dockerfile-inline = <<-EOT
    FROM scratch AS build
    COPY --from=busybox busybox /bin/busybox
    RUN ["/bin/busybox", "--install", "-s", "/bin"]
    ARG VERSION
    ARG FROM_BASE
    COPY main /main
    COPY --from=extra file /extra
    RUN --mount=type=secret,id=file --mount=type=secret,id=env,env=FROM_ENV mkdir /out && cat /main /extra /run/secrets/file > /out/all && echo "$VERSION $FROM_BASE $FROM_ENV" > /out/args && grep named.example.com /etc/hosts > /out/hosts
    FROM scratch AS other
    COPY main /wrong
    FROM scratch AS final
    COPY --from=build /out /
  EOT
  target      = "final"
  args        = { VERSION = "1.2.3" }
  labels      = { team = "app" }
  tags        = ["%s/app:v1"]
  secret      = ["id=file,src=secret.txt", "id=env,env=CANARY_SECRET"]
  extra-hosts = { "named.example.com" = "192.0.2.7" }
  annotations = ["manifest:note=here"]
  output      = ["type=local,dest=%s", "type=image,push=true"]
}
`, busyboxDir(t), reg.Addr, out)
	r := apply(t, dir, hcl, testenv.Buildkitd(t, ""))
	for file, want := range map[string]string{
		"all": "from the contextfrom a named contextfrom a file", "args": "1.2.3 inherited from the environment\n", "hosts": "192.0.2.7",
	} {
		raw, err := os.ReadFile(filepath.Join(out, file))
		if err != nil || !strings.HasPrefix(string(raw), want) {
			t.Errorf("%s is %q (%v), want %q", file, raw, err, want)
		}
	}
	ref, err := name.ParseReference(reg.Addr + "/app:v1")
	if err != nil {
		t.Fatal(err)
	}
	img, err := remote.Image(ref)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if l := cfg.Config.Labels; l["team"] != "app" || l["kept"] != "yes" {
		t.Errorf("the labels are %v", l)
	}
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	if m.Annotations["note"] != "here" {
		t.Errorf("the annotations are %v", m.Annotations)
	}
	if d := r.Targets[0].Metadata["containerimage.digest"]; !strings.HasPrefix(d, "sha256:") {
		t.Errorf("the metadata has no image digest: %v", r.Targets[0].Metadata)
	}
	raw, err := json.Marshal(r.Targets[0].Metadata)
	if err != nil || strings.Contains(string(raw), "from the environment") {
		t.Errorf("the metadata shows a secret: %s %v", raw, err)
	}
}
