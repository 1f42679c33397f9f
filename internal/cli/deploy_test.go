package cli

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/fairlead/fairlead/internal/host"
)

const root = "../.."

// names are the metrics of a process that serves, as Prometheus reads them.
func names(t *testing.T) []string {
	t.Helper()
	m := &machine{secrets: host.NewSecrets(func(string) (string, bool) { return "", false })}
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("OTEL_METRICS_EXPORTER", "none")
	r := &running{logLevel: "warn", logFormat: "text", observing: &observing{access: "off"}}
	s := Streams{Out: io.Discard, Err: io.Discard}
	m.open(r, s)
	if err := m.observe(r, s); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.out.close)
	return m.view.Metrics.Names()
}

// TestDeploy_namesMetricsThatAreThere: the dashboard, the alerts and the docs speak of
// metrics that the process has, and the docs of all.
func TestDeploy_namesMetricsThatAreThere(t *testing.T) {
	all := names(t)
	word := regexp.MustCompile(`\b(?:http_(?:server|client)|mcp_server|fairlead|process|go)_[a-z_]+\b`)
	label := regexp.MustCompile(`^(fairlead_(capability|adapter|server|target|unit|step|for|breaker|door)|` +
		`http_(route|request_method|response_status_code)|mcp_method_name)$`)
	for _, file := range []string{"deploy/grafana/fairlead.json", "deploy/prometheus/fairlead.rules.yaml",
		"deploy/prometheus/fairlead.test.yaml", "docs/operations.md"} {
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range word.FindAllString(string(text), -1) {
			plain := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_count"), "_sum")
			if !slices.Contains(all, name) && !slices.Contains(all, plain) && !label.MatchString(name) {
				t.Errorf("%s names %s, which is no metric", file, name)
			}
		}
		if filepath.Ext(file) == ".json" {
			var dashboard struct{ Panels []struct{ Title string } }
			if err := json.Unmarshal(text, &dashboard, json.MatchCaseInsensitiveNames(true)); err != nil ||
				len(dashboard.Panels) == 0 {
				t.Errorf("%s: %v", file, err)
			}
		}
		if filepath.Ext(file) == ".md" {
			for _, name := range all {
				if !strings.Contains(string(text), "`"+name+"`") {
					t.Errorf("%s does not tell of %s", file, name)
				}
			}
		}
	}
}

// TestDeploy_hasAlertsThatPrometheusTakes runs the rules' own tests.
func TestDeploy_hasAlertsThatPrometheusTakes(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed (Debian: prometheus)")
	}
	for _, args := range [][]string{{"check", "rules", "fairlead.rules.yaml"},
		{"test", "rules", "fairlead.test.yaml"}} {
		check := exec.CommandContext(t.Context(), promtool, args...)
		check.Dir = filepath.Join(root, "deploy/prometheus")
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}
