package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/fairlead/fairlead/internal/adapter/control"
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/value"
)

// The table of settings is that of the flags: each can also be given as a variable
// of the environment, and to commands that serve in a file. The command line goes
// before the environment, that before the file, and the file before the default.

// prefix begins the variables that set flags: FAIRLEAD_CALL_TIMEOUT is --call-timeout.
const prefix = "FAIRLEAD_"

// origin is the annotation of a flag that says where its value is from.
const origin = "origin"

func variableOf(flag string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// configure sets the flags of a command that the command line leaves out.
func configure(cmd *cobra.Command, s Streams) error {
	if err := fromEnvironment(cmd); err != nil {
		return err
	}
	config := cmd.Flags().Lookup("config")
	if config == nil {
		return nil
	}
	if file := config.Value.String(); file != "" {
		if err := fromFile(cmd, file); err != nil {
			return err
		}
	}
	misspelt(s.Err, cmd)
	return nil
}

// settable lists the flags that are settings.
func settable(cmd *cobra.Command) (all []*pflag.Flag) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" && f.Name != "version" && !f.Hidden {
			all = append(all, f)
		}
	})
	return all
}

func from(f *pflag.Flag, text string) {
	if f.Annotations == nil {
		f.Annotations = map[string][]string{}
	}
	f.Annotations[origin] = []string{text}
}

func fromEnvironment(cmd *cobra.Command) error {
	for _, f := range settable(cmd) {
		name := variableOf(f.Name)
		text, there := os.LookupEnv(name)
		switch {
		case f.Changed:
			from(f, "flag --"+f.Name)
		case there && text != "":
			if err := set(cmd, f, listOf(f, text)); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			from(f, "environment "+name)
		}
	}
	return nil
}

// listOf is what a variable sets a flag to: a flag that can be repeated takes
// several values with commas between them.
func listOf(f *pflag.Flag, text string) []string {
	if f.Value.Type() == "stringArray" {
		return strings.Split(text, ",")
	}
	return []string{text}
}

func set(cmd *cobra.Command, f *pflag.Flag, values []string) error {
	for _, one := range values {
		if err := cmd.Flags().Set(f.Name, one); err != nil {
			if inner := errors.Unwrap(err); inner != nil {
				err = inner
			}
			return fmt.Errorf("%q: %w", redacted(one), err)
		}
	}
	return nil
}

// misspelt warns of variables that are nearly those of flags: they set nothing.
func misspelt(w io.Writer, cmd *cobra.Command) {
	var known []string
	for _, f := range settable(cmd) {
		known = append(known, variableOf(f.Name))
	}
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, prefix) || slices.Contains(known, name) {
			continue
		}
		bare := func(name string) string { return strings.ReplaceAll(name, "_", "") }
		near, ok := diag.Near(name, known)
		if i := slices.IndexFunc(known, func(k string) bool { return bare(k) == bare(name) }); i >= 0 {
			near, ok = known[i], true
		}
		if ok {
			warn(w, cmd, fmt.Sprintf("the variable %s sets nothing; did you mean %s?", name, near))
		}
	}
}

// warn tells the operator something before there is a log, in its format.
func warn(w io.Writer, cmd *cobra.Command, text string) {
	if format := cmd.Flags().Lookup("log-format"); format != nil && format.Value.String() == "json" {
		slog.New(slog.NewJSONHandler(w, nil)).Warn(text)
		return
	}
	fmt.Fprintf(w, "fairlead: %s\n", text)
}

// fromFile sets the flags that neither the command line nor the environment sets. A
// key that is the flag of no command is an error: it may have been meant to protect.
func fromFile(cmd *cobra.Command, file string) error {
	text, err := document.ReadFile(file)
	if err != nil {
		return failed(fmt.Errorf("read --config: %w", err))
	}
	root, diags := document.Parse(file, text)
	if diags.Count(diag.Error) > 0 {
		return failed(fmt.Errorf("read --config: %w", diags[0]))
	}
	if root.IsNull() {
		return nil
	}
	if !root.Is(value.Object) {
		return failed(fmt.Errorf("read --config: %s: want keys that are named as flags are, such as call-timeout: 30s", file))
	}
	all := fileKeys(cmd)
	for _, p := range root.Pairs {
		if !slices.Contains(all, p.Key) {
			hint := ""
			if near, ok := diag.Near(p.Key, all); ok {
				hint = "; did you mean “" + near + "”?"
			}
			return failed(fmt.Errorf("read --config: %s: there is no setting “%s”%s", p.KeyAt, p.Key, hint))
		}
		f := cmd.Flags().Lookup(p.Key)
		if f == nil || f.Changed {
			continue // it is another command's
		}
		values, ok := valuesOf(p.Value)
		if !ok {
			return failed(fmt.Errorf("read --config: %s: “%s” must be a value or a list of values", p.Value.At, p.Key))
		}
		if err := set(cmd, f, values); err != nil {
			return failed(fmt.Errorf("read --config: %s: %s %w", p.Value.At, p.Key, err))
		}
		from(f, "file "+p.Value.At.String())
	}
	return nil
}

// fileKeys are the flags of all commands that take a file of settings: they share it.
func fileKeys(cmd *cobra.Command) (all []string) {
	for _, c := range append(cmd.Root().Commands(), cmd) {
		if c.Flags().Lookup("config") == nil {
			continue
		}
		for _, f := range settable(c) {
			if f.Name != "config" && f.Name != "output" && !slices.Contains(all, f.Name) {
				all = append(all, f.Name)
			}
		}
	}
	return all
}

func valuesOf(n *document.Node) (all []string, ok bool) {
	if n.IsScalar() {
		return []string{n.Text}, true
	}
	for _, item := range n.Items {
		if !item.IsScalar() {
			return nil, false
		}
		all = append(all, item.Text)
	}
	return all, n.Is(value.Array)
}

// userinfo is what stands before the host of a URL, and may hold a password.
var userinfo = regexp.MustCompile(`://[^/@\s]*@`)

func redacted(text string) string { return userinfo.ReplaceAllString(text, "://***@") }

// settings are what is in force of a command, by name.
func settings(cmd *cobra.Command) (all []control.Setting) {
	for _, f := range settable(cmd) {
		if f.Name == "output" {
			continue
		}
		one := control.Setting{Name: f.Name, Value: f.Value.String(), From: "default"}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			one.Value = strings.Join(list.GetSlice(), ",")
		}
		one.Value = redacted(one.Value)
		if text := f.Annotations[origin]; text != nil {
			one.From = text[0]
		}
		all = append(all, one)
	}
	return all
}

func configFlag(cmd *cobra.Command) {
	cmd.Flags().String("config", "", "set flags by this YAML `FILE`, whose keys are named as flags are")
	_ = cmd.MarkFlagFilename("config", "yaml", "yml", "json")
}

// inForce is the view of settings.
type inForce struct {
	Settings []control.Setting `json:"settings"`
}

func (v inForce) text(b *bytes.Buffer) {
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, one := range v.Settings {
		fmt.Fprintf(w, "%s\t%s\t%s\n", one.Name, one.Value, one.From)
	}
	_ = w.Flush() // into memory
}

func configCommand(s Streams) *cobra.Command {
	var out output
	of := serveCommand(s)
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Print what settings are in force, and from where",
		Long: `Config prints each setting of “fairlead serve” with its value and where that is
from. A flag goes before its variable, which is FAIRLEAD_ and the flag's name
with _ for -, a variable before the file that --config names, whose keys are the
flags' names, and the file before the default. Of a flag that can be repeated,
the variable has several values with commas between them, the file a list.`,
		Example: `  fairlead config
  FAIRLEAD_READ_ONLY=true fairlead config --call-timeout 30s
  fairlead config -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return failed(out.print(s, inForce{Settings: settings(cmd)}))
		},
	}
	cmd.Flags().AddFlagSet(of.Flags())
	out.flag(cmd, "text", "json")
	return cmd
}
