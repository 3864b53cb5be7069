package fingerprint_test

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// capability is CAP_NET_BIND_SERVICE, permitted and effective (linux/capability.h: struct vfs_cap_data).
var capability = []byte{1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}

// acl gives the user 1 the right to read (linux/posix_acl_xattr.h).
var acl = []byte{
	2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 4, 0, 1, 0, 0, 0, 4, 0, 4, 0, 255, 255, 255, 255,
	16, 0, 4, 0, 255, 255, 255, 255, 32, 0, 4, 0, 255, 255, 255, 255,
}

// specialFileMutations change what is not a file's content.
func specialFileMutations() []mutation {
	xattr := func(path, name string, value []byte) func(*world) {
		return func(w *world) { w.try(unix.Setxattr(w.path(path), name, value, 0)) }
	}
	// A builder that has the directory already compares neither attributes nor what has the same size and time (fsutil: diff.go, sameFile).
	anew := func(f func(*world)) func(*world) {
		return func(w *world) { f(w); w.move() }
	}
	node := func(path string, mode uint32, dev uint64) func(*world) {
		return func(w *world) { w.try(unix.Mknod(w.path(path), mode|0o644, int(dev))) } //nolint:gosec // a small number
	}
	link := func(from, to string) func(*world) {
		return func(w *world) { w.remove(to); w.try(os.Link(w.path(from), w.path(to))) }
	}
	both := func(list ...func(*world)) func(*world) {
		return func(w *world) {
			for _, f := range list {
				f(w)
			}
		}
	}
	equal := func(w *world) { w.write("src/lib/b", "a") }
	return []mutation{
		change("setgid bit", everything, func(w *world) { w.chmod("src/main", 0o644|os.ModeSetgid) }),
		change("sticky bit", everything, func(w *world) { w.chmod("src/main", 0o644|os.ModeSticky) }),
		change("setgid bit of a directory", needless, func(w *world) { w.chmod("src/lib", 0o755|os.ModeSetgid) }),
		change("owner of a file", nothing, func(w *world) { w.try(os.Chown(w.path("src/main"), 1, 1)) }),
		change("owner of a directory", nothing, func(w *world) { w.try(os.Chown(w.path("src/lib"), 1, 1)) }),
		change("extended attribute", everything, anew(xattr("src/main", "user.note", []byte("x")))),
		change("extended attribute of a file that the builder has", needless, xattr("src/main", "user.note", []byte("x"))),
		changeOf("value of an extended attribute", everything, xattr("src/main", "user.note", []byte("x")), anew(xattr("src/main", "user.note", []byte("y")))),
		changeOf("extended attribute gone", everything, xattr("src/main", "user.note", []byte("x")), anew(func(w *world) { w.try(unix.Removexattr(w.path("src/main"), "user.note")) })),
		change("extended attribute of a directory", everything, anew(xattr("src/lib", "user.note", []byte("x")))),
		change("capability of a file", everything, anew(xattr("src/main", "security.capability", capability))),
		change("trusted attribute", everything, anew(xattr("src/main", "trusted.note", []byte("x")))),
		change("access list", nothing, anew(xattr("src/main", "system.posix_acl_access", acl))),
		change("empty file", everything, func(w *world) { w.write("src/lib/a", "") }),
		changeOf("holes in place of zeros", nothing, func(w *world) { w.write("src/main", strings.Repeat("\x00", 1<<16)) }, func(w *world) {
			w.write("src/main", "")
			w.try(os.Truncate(w.path("src/main"), 1<<16))
		}),
		change("new pipe", everything, node("src/pipe", unix.S_IFIFO, 0)),
		change("new socket", everything, node("src/socket", unix.S_IFSOCK, 0)),
		change("new device", everything, node("src/device", unix.S_IFCHR, unix.Mkdev(1, 3))),
		changeOf("number of a device", everything, node("src/device", unix.S_IFCHR, unix.Mkdev(1, 3)), both(func(w *world) { w.remove("src/device") }, node("src/device", unix.S_IFCHR, unix.Mkdev(1, 5)))),
		changeOf("device of another kind", everything, node("src/device", unix.S_IFCHR, unix.Mkdev(1, 3)), both(func(w *world) { w.remove("src/device") }, node("src/device", unix.S_IFBLK, unix.Mkdev(1, 3)))),
		changeOf("two equal files become two names of one", nothing, equal, link("src/lib/a", "src/lib/b")),
		changeOf("two names of one file become two equal files", nothing, link("src/lib/a", "src/lib/b"), both(func(w *world) { w.remove("src/lib/b") }, equal)),
		changeOf("content of a file with two names", everything, link("src/lib/a", "src/lib/b"), func(w *world) { w.write("src/lib/b", "c") }),
		changeOf("content of a file with a name that is not sent", everything, link("src/lib/a", "ignored/a"), func(w *world) { w.write("ignored/a", "c") }),
		changeOf("mode of a file with two names", everything, link("src/lib/a", "src/lib/b"), func(w *world) { w.chmod("src/lib/b", 0o755) }),
		changeOf("second name of a file outside of what is copied", nothing, equal, link("src/lib/a", "elsewhere/a")),
	}
}

// nameMutations have names that are hard to read.
func nameMutations() []mutation {
	var list []mutation
	for what, name := range map[string]string{
		"a new line": "new\nline", "spaces": " a b ", "a leading dash": "-rf", "stars": "*", "brackets": "[ab]", "a backslash": `back\slash`, "a question mark": "what?", "quotes": `"q"'`,
		"a dollar": "$HOME", "a control character": "bell\a", "255 bytes": strings.Repeat("n", 255), "dots": "...", "a percent sign": "%s%d", "a colon": "c:d",
	} {
		list = append(list,
			changeOf("content of a file whose name has "+what, everything, func(w *world) { w.write("src/"+name, "one") }, func(w *world) { w.write("src/"+name, "two") }))
	}
	return append(list,
		change("new file whose name is no UTF-8", needless, func(w *world) { w.write("src/\xff\xfe", "x") }),
		change("new file whose name has a new line", everything, func(w *world) { w.write("src/a\nb", "x") }),
		change("case of a name", everything, func(w *world) { w.rename("src/lib/a", "src/lib/A") }),
		changeOf("form of a letter with an accent", everything, func(w *world) { w.write("src/\u00e9", "e") }, func(w *world) { w.rename("src/\u00e9", "src/e\u0301") }),
		changeOf("text that moves from one name to the next", everything,
			func(w *world) { w.write("src/ab", ""); w.write("src/c", "") },
			func(w *world) { w.rename("src/ab", "src/a"); w.rename("src/c", "src/bc") }),
		change("file moved to another directory", everything, func(w *world) { w.rename("src/lib/a", "src/empty/a") }),
		changeOf("content of a file deep in directories", everything,
			func(w *world) { w.write("src/"+strings.Repeat("d/", 60)+"f", "one") }, func(w *world) { w.write("src/"+strings.Repeat("d/", 60)+"f", "two") }),
	)
}

// linkMutations are about symbolic links, in contexts and on the way to them.
func linkMutations() []mutation {
	link := func(to, name string) func(*world) {
		return func(w *world) { w.remove(name); w.try(os.Symlink(to, w.path(name))) }
	}
	copied := func(to, name, instruction string) func(*world) {
		return func(w *world) {
			link(to, name)(w)
			w.edit("Dockerfile", "COPY link /link", instruction)
		}
	}
	return []mutation{
		change("link that points at itself", everything, link("loop", "src/loop")),
		change("link that points out of the context", everything, link("../../../../etc/passwd", "src/out")),
		changeOf("content behind a directory's link", everything, copied("elsewhere", "way", "COPY way/file /link"), func(w *world) { w.write("elsewhere/file", "changed") }),
		changeOf("file beside the one behind a directory's link", nothing, copied("elsewhere", "way", "COPY way/file /link"), func(w *world) { w.write("elsewhere/more", "more") }),
		changeOf("content behind two links", everything, func(w *world) {
			link("first", "second")(w)
			copied("aim", "first", "COPY second /link")(w)
		}, func(w *world) { w.write("aim", "aim 2") }),
		changeOf("content behind an absolute link", everything, copied("/aim", "rooted", "COPY rooted /link"), func(w *world) { w.write("aim", "aim 3") }),
		changeOf("directory's link points elsewhere", everything, func(w *world) {
			w.write("other/file", "other")
			copied("elsewhere", "way", "COPY way/file /link")(w)
		}, link("other", "way")),
		changeOf("content behind a mounted link", everything, func(w *world) {
			link("gen", "made")(w)
			w.edit("Dockerfile", "source=gen", "source=made")
		}, func(w *world) { w.write("gen/x", "x 2") }),
		changeOf("link that a wildcard finds", everything, func(w *world) { link("data.txt", "d.cfg")(w) }, func(w *world) { w.write("data.txt", "changed") }),
		changeOf("Dockerfile behind a link", everything, func(w *world) {
			w.rename("Dockerfile", "real.Dockerfile")
			link("real.Dockerfile", "Dockerfile")(w)
		}, func(w *world) { w.edit("real.Dockerfile", "echo tool", "echo tools") }),
		changeOf("Dockerfile's link points elsewhere", everything, func(w *world) {
			w.rename("Dockerfile", "real.Dockerfile")
			link("real.Dockerfile", "Dockerfile")(w)
			w.write("other.Dockerfile", strings.Replace(w.dockerfile, "echo tool", "echo tools", 1))
		}, link("other.Dockerfile", "Dockerfile")),
		change("Dockerfile becomes a link to its content", nothing, func(w *world) {
			w.rename("Dockerfile", "real.Dockerfile")
			link("real.Dockerfile", "Dockerfile")(w)
		}),
		change("Dockerfile becomes a link out of the context", needless, func(w *world) {
			w.try(os.WriteFile(filepath.Join(filepath.Dir(w.dir), "outer.Dockerfile"), []byte(w.dockerfile), 0o644))
			link("../outer.Dockerfile", "Dockerfile")(w)
		}),
		changeOf("ignore file behind a link", everything, func(w *world) {
			w.rename(".dockerignore", "ignore")
			link("ignore", ".dockerignore")(w)
		}, func(w *world) { w.edit("ignore", "*.log", "*.log\nsrc/lib/b") }),
		changeOf("content behind the context's link", everything, rootLink, func(w *world) { w.write("real/src/main", "main 2") }),
		changeOf("context's link points at the same content elsewhere", nothing, rootLink, func(w *world) {
			w.try(os.CopyFS(w.path("copy"), os.DirFS(w.path("real"))))
			w.try(os.Symlink("aim", w.path("copy/link2")))
			w.remove("copy/link2")
			link("copy", "root")(w)
		}),
		changeOf("context's link points at other content", everything, rootLink, func(w *world) {
			w.try(os.CopyFS(w.path("copy"), os.DirFS(w.path("real"))))
			w.write("copy/src/main", "main 3")
			link("copy", "root")(w)
		}),
	}
}

// rootLink makes a context of one directory that is reached by a link.
func rootLink(w *world) {
	w.write("real/Dockerfile", "FROM scratch\nCOPY src /src\n")
	w.write("real/src/main", "main")
	w.try(os.Symlink("real", w.path("root")))
	w.body += "  context = \"root\"\n"
}
