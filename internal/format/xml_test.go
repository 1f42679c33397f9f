package format

import (
	"fmt"
	"strings"
	"testing"
)

func TestDecodeXML(t *testing.T) {
	for name, c := range map[string]struct{ body, json string }{
		"attribute and repeated children": {`<r a="1"><i>x</i><i>y</i></r>`, `{"a":"1","i":["x","y"]}`},
		"single child":                    {`<r><i>x</i></r>`, `{"i":"x"}`},
		"three apart":                     {`<r><i>1</i><j/><i>2</i><i>3</i></r>`, `{"i":["1","2","3"],"j":""}`},
		"attribute and child of one name": {`<r i="1"><i>2</i></r>`, `{"i":["1","2"]}`},
		"text beside attributes":          {`<r a="1"> x </r>`, `{"a":"1","":" x "}`},
		"text beside children":            {`<r>x<b>y</b></r>`, `{"":"x","b":"y"}`},
		"text on both sides":              {`<r>x<b>y</b>z</r>`, `{"":["x","z"],"b":"y"}`},
		"indentation is no text":          {"<r>\n  <b>y</b>\n</r>\n", `{"b":"y"}`},
		"leaf keeps its white space":      {"<r><b> y\n</b><c>  </c></r>", `{"b":" y\n","c":"  "}`},
		"root of text":                    {`<r>x</r>`, `"x"`},
		"empty root":                      {`<r/>`, `""`},
		"only attributes":                 {`<r a="1"/>`, `{"a":"1"}`},
		"nothing is inferred":             {`<r><n>5</n><b>true</b></r>`, `{"n":"5","b":"true"}`},
		"prefixes go":                     {`<p:r xmlns:p="urn:p" xmlns="urn:d" p:a="1"><p:b>x</p:b></p:r>`, `{"a":"1","b":"x"}`},
		"undeclared prefix":               {`<r><p:b>x</p:b></r>`, `{"b":"x"}`},
		"nil":                             {`<r xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><a xsi:nil="true"/><b xsi:nil="false">x</b></r>`, `{"a":null,"b":"x"}`},
		"the five entities":               {`<r>&lt;&amp;&gt;&apos;&quot;&#233;</r>`, `"<&>'\"é"`},
		"CDATA and comments":              {`<r>a<!-- c --><![CDATA[<b>]]></r>`, `"a<b>"`},
		"instructions":                    {`<?xml version="1.0"?><?pi x?><r>a</r><!-- end -->`, `"a"`},
	} {
		t.Run(name, func(t *testing.T) { want(t, XML, "", c.body, c.json) })
	}
}

func TestDecodeXML_refuses(t *testing.T) {
	laughs := `<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">]><lolz>&lol2;</lolz>`
	for name, c := range map[string]struct{ body, part string }{
		"billion laughs":           {laughs, "DOCTYPE"},
		"external DTD":             {`<!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>`, "DOCTYPE"},
		"DOCTYPE within":           {`<r><!DOCTYPE x></r>`, "DOCTYPE"},
		"custom entity":            {`<r>&nbsp;</r>`, "entity"},
		"deep nesting":             {strings.Repeat("<a>", 600), "deeper than 512"},
		"wrong end":                {`<r><a></r>`, "closed by"},
		"end in an element":        {`<r><a>`, "unexpected EOF"},
		"second root":              {`<a/><b/>`, "second root"},
		"text after the root":      {`<a/>x`, "outside"},
		"no element":               {`<!-- x -->`, "no element"},
		"plain text":               {`hello`, "outside"},
		"too many elements":        {"<r>" + strings.Repeat("<a/>", MaxValues) + "</r>", "more than"},
		"too many attributes":      {"<r" + strings.Repeat(" a=''", MaxValues) + "/>", "more than"},
		"a very long name":         {"<r><" + strings.Repeat("x", 5000) + "></r>", "element"},
		"attribute without quotes": {`<r a=1/>`, "attribute"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := decode(t, XML, "", c.body)
			wantError(t, err, XML, c.part)
			if e := err.(*Error); len(e.Message) > 120 {
				t.Errorf("message is too long: %s", e.Message)
			}
		})
	}
}

func TestDecodeXML_staysFastWithManyNames(t *testing.T) {
	var b strings.Builder
	b.WriteString("<r>")
	for i := range 200_000 {
		fmt.Fprintf(&b, "<name%d/>", i)
	}
	b.WriteString("</r>")
	v, err := decode(t, XML, "", b.String())
	if err != nil || v.Len() != 200_000 {
		t.Errorf("%d members, %v", v.Len(), err)
	}
}
