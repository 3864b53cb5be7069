package compose

import (
	"context"
	"fmt"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// refuseLocalFiles finds what in a fetched definition would have this machine's files read: include, extends from a file,
// env_file and label_file.
func refuseLocalFiles(ctx context.Context, details types.ConfigDetails) error {
	for _, file := range details.ConfigFiles {
		single := types.ConfigDetails{ConfigFiles: []types.ConfigFile{file}, WorkingDir: details.WorkingDir, Environment: details.Environment}
		model, err := loader.LoadModelWithContext(ctx, single, func(o *loader.Options) {
			o.SetProjectName(projectName(details.Environment), false)
			o.SkipNormalization = true
			o.SkipValidation = true
			o.SkipConsistencyCheck = true
			o.SkipInclude = true
			o.SkipExtends = true
			o.SkipResolveEnvironment = true
			o.SkipResolveLabels = true
		})
		if err != nil {
			return err
		}
		if err := refuseIn(model); err != nil {
			return fmt.Errorf("read %s: %w", file.Filename, err)
		}
	}
	return nil
}

func refuseIn(model map[string]any) error {
	if _, ok := model["include"]; ok {
		return fmt.Errorf("a fetched Compose file may not include files of this machine")
	}
	services, _ := model["services"].(map[string]any)
	for name, service := range services {
		fields, _ := service.(map[string]any)
		for _, field := range []string{"env_file", "label_file"} {
			if _, ok := fields[field]; ok {
				return fmt.Errorf("service %s of a fetched Compose file may not use %s of this machine", name, field)
			}
		}
		if extends, ok := fields["extends"].(map[string]any); ok && extends["file"] != nil {
			return fmt.Errorf("service %s of a fetched Compose file may not extend a file of this machine", name)
		}
	}
	return nil
}
