package diag

import (
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Tool is the program in whose name findings are reported.
type Tool struct {
	Name           string
	Version        string
	InformationURI string
	HelpBase       string // a code's page is HelpBase + its ID; "" when there are none
}

// WriteSARIF writes the diagnostics as one run of a SARIF 2.1.0 log, indented.
// Every code becomes a rule; Info is SARIF's note. Relative file names become
// relative URI references, columns count code points. A hint follows the
// message as a sentence of its own.
func WriteSARIF(w io.Writer, tool Tool, l List, codes []*Code) error {
	run := sarifRun{ColumnKind: "unicodeCodePoints", Results: []sarifResult{}}
	run.Tool.Driver = sarifDriver{
		Name: tool.Name, Version: tool.Version, InformationURI: tool.InformationURI, Rules: []sarifRule{},
	}
	rules := make(map[string]int, len(codes))
	for i, c := range codes {
		rules[c.ID] = i
		rule := sarifRule{ID: c.ID, Short: sarifText{c.Title}}
		rule.Default.Level = sarifLevels[c.Severity]
		if tool.HelpBase != "" {
			rule.HelpURI = tool.HelpBase + c.ID
		}
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, rule)
	}
	for _, d := range l {
		result := sarifResult{RuleID: d.Code, Level: sarifLevels[d.Severity],
			Message: sarifText{sentences(d.Message, d.Hint)}}
		if i, known := rules[d.Code]; known {
			result.RuleIndex = &i
		}
		if d.Range.File != "" {
			result.Locations = []sarifLocation{{Physical: physical(d.Range)}}
		}
		for _, r := range d.Related {
			result.Related = append(result.Related,
				sarifLocation{Physical: physical(r.Range), Message: &sarifText{r.Message}})
		}
		run.Results = append(run.Results, result)
	}
	log := sarifLog{
		Schema:  "https://json.schemastore.org/sarif-2.1.0.json",
		Version: "2.1.0",
		Runs:    []sarifRun{run},
	}
	if err := json.MarshalWrite(w, log, jsontext.WithIndent("  "), jsontext.AllowInvalidUTF8(true)); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

var sarifLevels = [...]string{Info: "note", Warning: "warning", Error: "error"}

// sentences joins message and hint.
func sentences(message, hint string) string {
	if hint == "" {
		return message
	}
	if !strings.HasSuffix(message, ".") && !strings.HasSuffix(message, "?") {
		message += "."
	}
	return message + " " + hint
}

func physical(r Range) sarifPhysical {
	p := sarifPhysical{}
	p.Artifact.URI = fileURI(r.File)
	if r.Start.Line == 0 {
		return p
	}
	p.Region = &sarifRegion{StartLine: r.Start.Line, StartColumn: r.Start.Column}
	if r.End.Line != 0 {
		p.Region.EndLine, p.Region.EndColumn = r.End.Line, r.End.Column
	}
	return p
}

// fileURI is a file: URI for an absolute name, else a relative reference.
func fileURI(name string) string {
	path := strings.TrimPrefix(filepath.ToSlash(name), "./")
	if !filepath.IsAbs(name) {
		return (&url.URL{Path: path}).String()
	}
	return (&url.URL{Scheme: "file", Path: "/" + strings.TrimPrefix(path, "/")}).String()
}

// What follows is the part of the SARIF 2.1.0 object model that is written.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool struct {
			Driver sarifDriver `json:"driver"`
		} `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		Version        string      `json:"version,omitzero"`
		InformationURI string      `json:"informationUri,omitzero"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID      string    `json:"id"`
		Short   sarifText `json:"shortDescription"`
		HelpURI string    `json:"helpUri,omitzero"`
		Default struct {
			Level string `json:"level"`
		} `json:"defaultConfiguration"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex *int            `json:"ruleIndex,omitzero"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations,omitzero"`
		Related   []sarifLocation `json:"relatedLocations,omitzero"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
		Message  *sarifText    `json:"message,omitzero"`
	}
	sarifPhysical struct {
		Artifact struct {
			URI string `json:"uri"`
		} `json:"artifactLocation"`
		Region *sarifRegion `json:"region,omitzero"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitzero"`
		EndLine     int `json:"endLine,omitzero"`
		EndColumn   int `json:"endColumn,omitzero"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
)
