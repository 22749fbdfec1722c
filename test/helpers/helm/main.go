// Renders the templates of a chart as Helm's engine does, with Go's own text/template: JSON on stdin (chart, release,
// values, files, templates by name), JSON of the results on stdout. No Helm is packaged in Debian. What it has is what the
// templates of deploy/helm use; another function is an error. Other than in Helm, a value that is not there is an
// error as well, not empty text.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"
	"text/template"
)

type input struct {
	Chart, Release map[string]interface{}
	Values         map[string]interface{}
	Files          map[string]string
	Templates      map[string]string
}

// .Files of Helm.
type files map[string]string

func (f files) Get(path string) (string, error) {
	text, found := f[path]
	if !found {
		return "", fmt.Errorf("no file %s in the chart", path)
	}
	return text, nil
}

func scalar(value interface{}) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// Block style, keys sorted, as Helm's: so that an indentation that is wrong shows.
func toYaml(value interface{}) string {
	switch value := value.(type) {
	case map[string]interface{}:
		names := make([]string, 0, len(value))
		for name := range value {
			names = append(names, name)
		}
		sort.Strings(names)
		lines := make([]string, 0, len(value))
		for _, name := range names {
			lines = append(lines, scalar(name)+":"+below(value[name]))
		}
		if len(lines) > 0 {
			return strings.Join(lines, "\n")
		}
	case []interface{}:
		lines := make([]string, 0, len(value))
		for _, each := range value {
			lines = append(lines, "-"+strings.Replace(below(each), "\n  ", " ", 1))
		}
		if len(lines) > 0 {
			return strings.Join(lines, "\n")
		}
	}
	return scalar(value)
}

func below(value interface{}) string {
	text := toYaml(value)
	switch value := value.(type) {
	case map[string]interface{}:
		if len(value) > 0 {
			return "\n" + indent(2, text)
		}
	case []interface{}:
		if len(value) > 0 {
			return "\n" + indent(2, text)
		}
	}
	return " " + text
}

func indent(spaces int, text string) string {
	pad := strings.Repeat(" ", spaces)
	return pad + strings.ReplaceAll(text, "\n", "\n"+pad)
}

func integer(value interface{}) int64 {
	switch value := value.(type) {
	case float64:
		return int64(value)
	case int64:
		return value
	case int:
		return int64(value)
	}
	panic(fmt.Sprintf("%v is no number", value))
}

func functions(root *template.Template) template.FuncMap {
	return template.FuncMap{
		"include": func(name string, data interface{}) (string, error) {
			var out bytes.Buffer
			err := root.ExecuteTemplate(&out, name, data)
			return out.String(), err
		},
		"toYaml":    toYaml,
		"nindent":   func(spaces int, text string) string { return "\n" + indent(spaces, text) },
		"quote":     func(value interface{}) string { return fmt.Sprintf("%q", fmt.Sprint(value)) },
		"int":       func(value interface{}) int { return int(integer(value)) },
		"add":       func(a, b interface{}) int64 { return integer(a) + integer(b) },
		"div":       func(a, b interface{}) int64 { return integer(a) / integer(b) },
		"sha256sum": func(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) },
		"default": func(other, value interface{}) interface{} {
			if truth, ok := template.IsTrue(value); truth && ok {
				return value
			}
			return other
		},
	}
}

func main() {
	var in input
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		panic(err)
	}
	root := template.New("chart").Option("missingkey=error")
	root.Funcs(functions(root))
	for name, text := range in.Templates {
		template.Must(root.New(name).Parse(text))
	}
	data := map[string]interface{}{
		"Chart": in.Chart, "Release": in.Release, "Values": in.Values, "Files": files(in.Files),
	}
	rendered := map[string]string{}
	for name := range in.Templates {
		if strings.HasSuffix(name, ".tpl") {
			continue
		}
		var out bytes.Buffer
		if err := root.ExecuteTemplate(&out, name, data); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		rendered[name] = out.String()
	}
	if err := json.NewEncoder(os.Stdout).Encode(rendered); err != nil {
		panic(err)
	}
}
