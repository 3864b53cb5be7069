package compose

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/consts"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/schema"
	"github.com/compose-spec/compose-go/v2/types"
)

// MaxFile is the largest Compose file that is read, in bytes.
const MaxFile = 4 << 20

// Load reads files as one Compose project and returns its services as targets.
func Load(ctx context.Context, files []File, opts Options) (*Project, error) {
	env, err := environment(opts)
	if err != nil {
		return nil, err
	}
	project, err := read(ctx, files, env, opts, false)
	if err != nil {
		return nil, err
	}
	return convert(project)
}

// IsCompose reports whether a file is a Compose file: by the ending of its name (.yml and .yaml are, .json and .hcl are not), and
// else by its content. The error says why the content is not that of a Compose file; with an ending that decides it is a broken one.
func IsCompose(ctx context.Context, file File, opts Options) (bool, error) {
	name := strings.ToLower(file.Name)
	if strings.HasSuffix(name, ".json") || strings.HasSuffix(name, ".hcl") {
		return false, nil
	}
	named := strings.HasSuffix(name, ".yml") || strings.HasSuffix(name, ".yaml")
	env, err := environment(opts)
	if err != nil {
		return named, err
	}
	// Files may only be complete together, so what one names and another has is not looked for here.
	_, err = read(ctx, []File{{Data: file.Data}}, env, opts, true)
	return named || err == nil, err
}

// read parses and merges files, keeps what builds need, checks that against the Compose schema and types it.
func read(ctx context.Context, files []File, env map[string]string, opts Options, alone bool) (*types.Project, error) {
	details := types.ConfigDetails{WorkingDir: opts.Dir, Environment: env}
	for _, f := range files {
		if len(f.Data) > MaxFile {
			return nil, fmt.Errorf("read %s: larger than %d bytes", f.Name, MaxFile)
		}
		details.ConfigFiles = append(details.ConfigFiles, types.ConfigFile{Filename: f.Name, Content: f.Data})
	}
	if opts.Remote {
		if err := refuseLocalFiles(ctx, details); err != nil {
			return nil, err
		}
	}
	model, err := loader.LoadModelWithContext(ctx, details, func(o *loader.Options) {
		o.SetProjectName(projectName(env), false)
		o.SkipNormalization = true
		o.SkipValidation = true
		o.SkipConsistencyCheck = alone
	})
	if err != nil {
		return nil, err
	}
	kept, err := keepBuilds(model)
	if err != nil {
		return nil, err
	}
	if err := schema.Validate(kept); err != nil {
		return nil, err
	}
	return loader.ModelToProject(kept, loader.ToOptions(&details, []func(*loader.Options){func(o *loader.Options) {
		o.SkipNormalization = true
		o.SkipConsistencyCheck = alone
		o.Profiles = []string{"*"}
	}}), details)
}

func projectName(env map[string]string) string {
	if name := env[consts.ComposeProjectName]; name != "" {
		return name
	}
	return "bake"
}

// keepBuilds is the part of a Compose model that decides builds.
func keepBuilds(model map[string]any) (map[string]any, error) {
	kept := map[string]any{}
	if services, ok := model["services"].(map[string]any); ok {
		builds := map[string]any{}
		for name, service := range services {
			switch service := service.(type) {
			case nil:
				builds[name] = map[string]any{}
			case map[string]any:
				builds[name] = pick(service, "image", "build", "environment", "env_file")
			}
		}
		kept["services"] = builds
	}
	if secrets, ok := model["secrets"]; ok {
		kept["secrets"] = secrets
	}
	if len(kept) == 0 {
		return nil, errors.New("neither services nor secrets are in the file")
	}
	return kept, nil
}

func pick(from map[string]any, keys ...string) map[string]any {
	picked := map[string]any{}
	for key, value := range from {
		if slices.Contains(keys, key) {
			picked[key] = value
		}
	}
	return picked
}
