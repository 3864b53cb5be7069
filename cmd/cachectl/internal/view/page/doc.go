// Package page makes HTML pages of plans and runs. A page is one file that needs nothing else: no server, no network, no fonts. It prints nothing itself;
// its callers write what it returns. What it is told to hide is in none of its pages, and text from elsewhere stays text.
package page
