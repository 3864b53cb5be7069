package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/agext/levenshtein"
	"github.com/cachectl/cachectl/config"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// limit is a flag that takes a number that is not negative.
type limit int

func (l *limit) String() string { return strconv.Itoa(int(*l)) }

func (l *limit) Type() string { return "int" }

func (l *limit) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return errors.New("it must be a whole number, 0 or more")
	}
	*l = limit(n)
	return nil
}

// age is a flag that takes a length of time, as the attributes of the configuration do.
type age time.Duration

func (a *age) String() string {
	if *a == 0 {
		return "0"
	}
	return time.Duration(*a).String()
}

func (a *age) Type() string { return "duration" }

func (a *age) Set(s string) error {
	d, err := config.ParseAge(s)
	*a = age(d)
	return err
}

// flagError is a command line whose flags are wrong, with the nearest flag and where all are listed.
func flagError(cmd *cobra.Command, err error) error {
	hint := ";"
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		if near := nearestFlag(cmd, unknown.GetSpecifiedName()); near != "" {
			hint = fmt.Sprintf("; did you mean --%s?", near)
		}
	}
	return usageError{fmt.Errorf("%w%s see %s --help", err, hint, cmd.CommandPath())}
}

// farthestFlag is how many letters a flag may differ from one that is suggested for it.
const farthestFlag = 2

func nearestFlag(cmd *cobra.Command, name string) string {
	best, distance := "", farthestFlag+1
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		d := levenshtein.Distance(name, f.Name, nil)
		if len(name) > farthestFlag && strings.HasPrefix(f.Name, name) {
			d = min(d, 1)
		}
		if d < distance && !f.Hidden {
			best, distance = f.Name, d
		}
	})
	return best
}
