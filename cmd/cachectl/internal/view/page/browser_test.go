package page_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"image"
	_ "image/png" // screenshots
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cachectl/cachectl/internal/testenv"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

var screenshots = flag.String("screenshots", "", "keep the screenshots in this directory")

// sight is what a browser makes of a page.
type sight struct {
	shot image.Image
	// complaints are errors of scripts and of the page's own security policy, requests what it asked the network for.
	complaints, requests []string
	layout               layout
}

// layout is what the page's geometry comes to.
type layout struct {
	// Width is the window's, Scroll that of what is in it.
	Width, Scroll int
	// Outside are elements that reach out of the window and are in no box that scrolls; Clipped are headings and numbers that do not fit their box.
	Outside, Clipped []string
	// Texts are the visible texts of the sections, by id.
	Texts map[string]string
	// Steps is how many the picture shows, Pwned whether a script of a name ran.
	Steps int
	Pwned bool
}

const measure = `(() => {
  document.querySelectorAll("details").forEach(d => d.open = true);
  const inBox = e => e.closest(".scroll, .track");
  const name = e => e.tagName + "." + (e.getAttribute("class") || "") + " " + (e.textContent || "").slice(0, 40);
  const seen = [...document.body.querySelectorAll("*")].filter(e => e.getClientRects().length && !inBox(e.parentElement));
  const out = {Width: innerWidth, Scroll: document.documentElement.scrollWidth, Texts: {}, Pwned: window.pwned === true};
  out.Outside = seen.filter(e => { const r = e.getBoundingClientRect(); return r.left < -1 || r.right > innerWidth + 1; }).map(name);
  out.Clipped = seen.filter(e => e.matches("h1,h2,h3,.tile div,dd,.badge,.took") && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline").map(name);
  for (const s of document.querySelectorAll("section[id]")) out.Texts[s.id] = s.innerText;
  out.Steps = document.querySelectorAll("#graph svg .step").length;
  return out;
})()`

// look opens a page in a window of some width and color scheme, and unfolds what folds.
func look(t *testing.T, doc []byte, width int, scheme string) sight {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(path, doc, 0o600); err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(testenv.Browser(t)), chromedp.NoSandbox, chromedp.DisableGPU)
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, time.Minute)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()

	var s sight
	var mu sync.Mutex
	err := chromedp.Listen(ctx, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			s.complaints = append(s.complaints, e.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			s.complaints = append(s.complaints, fmt.Sprintf("console.%s", e.Type))
		case *log.EventEntryAdded:
			s.complaints = append(s.complaints, e.Entry.Text)
		case *network.EventRequestWillBeSent:
			s.requests = append(s.requests, e.Request.URL)
		}
	})
	if err != nil {
		t.Fatalf("start the browser: %v", err)
	}
	const height, everything = 900, 100
	err = chromedp.Do(ctx, prepare(scheme), chromedp.EmulateViewport(int64(width), height), chromedp.Navigate("file://"+path))
	if err == nil {
		s.layout, err = chromedp.Run(ctx, chromedp.Evaluate[layout](measure))
	}
	var shot []byte
	if err == nil {
		shot, err = chromedp.Run(ctx, chromedp.FullScreenshot(everything))
	}
	if err != nil {
		t.Fatalf("look at the page: %v", err)
	}
	if *screenshots != "" {
		name := fmt.Sprintf("%s-%d-%s.png", strings.ReplaceAll(t.Name(), "/", "-"), width, scheme)
		if err := os.WriteFile(filepath.Join(*screenshots, name), shot, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if s.shot, _, err = image.Decode(bytes.NewReader(shot)); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	return s
}

// prepare turns on the events that are listened to, and a color scheme.
func prepare(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, network.Enable, network.EnableParams{})
		if err == nil {
			_, err = cdp.Call(ctx, t, log.Enable, cdp.Empty{})
		}
		if err == nil {
			_, err = cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
			})
		}
		return err
	})
}

// checkLooks opens a page in wide and narrow windows, light and dark: it must render, fit, keep to itself and complain of nothing.
func checkLooks(t *testing.T, doc []byte, steps int, texts map[string][]string) {
	t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int{1280, 400} {
			s := look(t, doc, width, scheme)
			at := fmt.Sprintf("%d px, %s", width, scheme)
			if len(s.complaints) > 0 {
				t.Errorf("%s: the browser complains: %q", at, s.complaints)
			}
			if len(s.requests) != 1 || !strings.HasPrefix(s.requests[0], "file:") {
				t.Errorf("%s: requests are %q, want the page alone", at, s.requests)
			}
			if s.layout.Width != width || s.layout.Scroll > width || len(s.layout.Outside) > 0 || len(s.layout.Clipped) > 0 {
				t.Errorf("%s: the window is %d wide, the page %d; outside: %q, clipped: %q", at, s.layout.Width, s.layout.Scroll, s.layout.Outside, s.layout.Clipped)
			}
			if s.layout.Pwned {
				t.Errorf("%s: a script from a name ran", at)
			}
			if s.layout.Steps != steps {
				t.Errorf("%s: the picture has %d steps, want %d", at, s.layout.Steps, steps)
			}
			for section, wants := range texts {
				for _, want := range wants {
					if got, ok := s.layout.Texts[section]; !ok || !strings.Contains(got, want) {
						t.Errorf("%s: section %s does not show %q:\n%s", at, section, want, got)
					}
				}
			}
			checkPainted(t, at, s.shot, scheme == "dark")
		}
	}
}

// checkPainted holds that a screenshot has the background of its scheme and more on it.
func checkPainted(t *testing.T, at string, shot image.Image, dark bool) {
	t.Helper()
	colors := map[[3]uint32]int{}
	b := shot.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y += 2 {
		for x := b.Min.X; x < b.Max.X; x += 2 {
			r, g, b, _ := shot.At(x, y).RGBA()
			colors[[3]uint32{r >> 8, g >> 8, b >> 8}]++
		}
	}
	const few = 20
	if len(colors) < few {
		t.Errorf("%s: the screenshot has %d colors", at, len(colors))
	}
	r, g, blue, _ := shot.At(1, 1).RGBA()
	const middle = 3 * 0x8000
	if isDark := r+g+blue < middle; isDark != dark {
		t.Errorf("%s: the background is %x %x %x", at, r>>8, g>>8, blue>>8)
	}
}
