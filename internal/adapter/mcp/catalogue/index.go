package catalogue

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"
)

// index finds tools by words. A word counts for more the fewer tools have it, and
// by where it stands; the beginning of a word counts for less than all of it.
type index struct {
	tools  []map[string]float64 // by tool: weight of each stem
	order  [][]string           // by tool: its stems, sorted
	spread map[string]int       // how many tools have a stem
}

// Weights of the places where a word stands.
const (
	inName        = 4.0
	inTitle       = 2.0
	inTags        = 2.0
	inDescription = 1.0
	inArguments   = 0.5
)

func newIndex(tools []*Tool) *index {
	x := &index{spread: map[string]int{}}
	for _, t := range tools {
		weights := map[string]float64{}
		add := func(text string, weight float64) {
			for _, w := range stems(text) {
				weights[w] = max(weights[w], weight)
			}
		}
		add(t.Unit.Name, inName)
		add(t.Unit.Title, inTitle)
		add(strings.Join(t.Unit.Tags, " "), inTags)
		add(t.Unit.Description, inDescription)
		for _, a := range t.Args {
			add(a.Listed, inArguments)
		}
		for w := range weights {
			x.spread[w]++
		}
		x.tools = append(x.tools, weights)
		x.order = append(x.order, slices.Sorted(maps.Keys(weights)))
	}
	return x
}

// stopWords say nothing about a tool.
var stopWords = strings.Fields("a an and any are as at be by can do does for from has have how i in into is it its " +
	"let me my need of on or please so some that the their them then there this to turn use want " +
	"what when where which who will with you your")

// synonyms are verbs that people say for those that APIs have.
var synonyms = map[string]string{
	"show": "get list", "fetch": "get list", "read": "get", "retrieve": "get list", "view": "get list",
	"find": "list", "search": "list", "query": "list", "get": "list",
	"add": "create", "make": "create", "new": "create", "open": "create", "start": "create",
	"remove": "delete", "drop": "delete", "destroy": "delete", "erase": "delete",
	"change": "update", "edit": "update", "modify": "update", "set": "update", "rename": "update",
	"enable": "update", "disable": "update",
}

// verbs are what APIs call nearly everything; the rarest of them says little.
var verbs = []string{"get", "list", "create", "update", "delete"}

// term is a word of a query, and what it counts for.
type term struct {
	stem  string
	worth float64
}

// terms are the stems of a query that say something, and, for half, what else
// they are called.
func terms(query string) (all []term) {
	worth := map[string]float64{}
	for _, word := range split(query) {
		if slices.Contains(stopWords, word) {
			continue
		}
		w := stem(word)
		worth[w] = 1
		for _, other := range strings.Fields(synonyms[w]) {
			worth[other] = max(worth[other], 0.5)
		}
	}
	for _, w := range slices.Sorted(maps.Keys(worth)) {
		all = append(all, term{w, worth[w]})
	}
	return all
}

// score is how well a tool fits the terms.
func (x *index) score(tool int, terms []term) (score float64) {
	for _, t := range terms {
		w, worth := t.stem, t.worth
		weight := x.tools[tool][w]
		rarity := x.spread[w]
		if slices.Contains(verbs, w) {
			rarity = max(rarity, len(x.tools)/4)
		}
		if weight == 0 && len(w) > 2 {
			for _, have := range x.order[tool] {
				if its := x.tools[tool][have]; strings.HasPrefix(have, w) && its/2 > weight {
					weight, rarity = its/2, x.spread[have]
				}
			}
		}
		if weight > 0 {
			score += worth * weight * math.Log(1+float64(len(x.tools))/float64(rarity))
		}
	}
	return score
}

// Common are the words that most tools have, verbs and stop words aside.
func (x *index) Common(most int) []string {
	words := slices.SortedFunc(maps.Keys(x.spread), func(a, b string) int {
		return cmp.Or(x.spread[b]-x.spread[a], strings.Compare(a, b))
	})
	words = slices.DeleteFunc(words, func(w string) bool {
		return len(w) < 3 || slices.Contains(stopWords, w) || slices.Contains(verbs, w)
	})
	return words[:min(len(words), most)]
}

// stems are the words of a text, plurals made singular.
func stems(text string) []string {
	words := split(text)
	for i, w := range words {
		words[i] = stem(w)
	}
	return words
}

// split returns the words of a text in lower case.
func split(text string) []string {
	return strings.FieldsFunc(strings.ToLower(splitCamel(text)), func(c rune) bool {
		return !unicode.IsLetter(c) && !unicode.IsDigit(c)
	})
}

// stem makes a plural singular.
func stem(w string) string {
	switch {
	case len(w) > 4 && strings.HasSuffix(w, "ies"):
		return w[:len(w)-3] + "y"
	case len(w) > 4 && (strings.HasSuffix(w, "sses") || strings.HasSuffix(w, "xes") || strings.HasSuffix(w, "ches")):
		return w[:len(w)-2]
	case len(w) > 3 && strings.HasSuffix(w, "s") && !strings.HasSuffix(w, "ss") && !strings.HasSuffix(w, "us"):
		return w[:len(w)-1]
	}
	return w
}

// splitCamel puts a blank where a lower-case letter meets an upper-case one.
func splitCamel(text string) string {
	var b strings.Builder
	lower := false
	for _, c := range text {
		if lower && unicode.IsUpper(c) {
			b.WriteByte(' ')
		}
		lower = unicode.IsLower(c)
		b.WriteRune(c)
	}
	return b.String()
}
