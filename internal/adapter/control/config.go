package control

import (
	"io"
	"net/http"
)

// config answers with what is in force.
func (g *generation) config(w http.ResponseWriter, _ *http.Request) {
	p := g.c.Process
	state := p.State()
	names := make([]string, len(state.Documents))
	for i, d := range state.Documents {
		names[i] = d.Name
	}
	answer(w, http.StatusOK, struct {
		Documents  []string   `json:"documents"`
		Generation Generation `json:"generation"`
		Settings   []Setting  `json:"settings"`
	}{names, state.Generation, p.Settings()})
}

func (g *generation) reload(w http.ResponseWriter, r *http.Request) {
	done := g.c.Process.Reload(r.Context())
	status := http.StatusOK
	if done.Outcome != "reloaded" {
		status = http.StatusConflict // with the generation that serves
	}
	answer(w, status, done)
}

// validate takes a document, or nothing for those on disk.
func (g *generation) validate(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		fail(w, http.StatusRequestEntityTooLarge, "the document cannot be read: it has at most 1 MiB")
		return
	}
	answer(w, http.StatusOK, g.c.Process.Validate(r.Context(), text))
}
