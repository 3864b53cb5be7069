package fingerprint_test

import "os"

// onRepository is a change of a project whose context is in a repository; %s of the context is the repository's address.
func onRepository(name string, kind int, context string, after func(*world, *repository)) mutation {
	var r *repository
	return changeOf(name, kind, func(w *world) {
		r = newRepository(w.t)
		w.from(context, r.url)
	}, func(w *world) { after(w, r) })
}

// withRepository is a change of a project that takes something from a repository besides its own context.
func withRepository(name string, kind int, before, after func(*world, *repository)) mutation {
	var r *repository
	return changeOf(name, kind, func(w *world) {
		r = newRepository(w.t)
		before(w, r)
	}, func(w *world) { after(w, r) })
}

// withSite is a change of a project that downloads something.
func withSite(name string, kind int, before, after func(*world, *site)) mutation {
	var s *site
	return changeOf(name, kind, func(w *world) {
		s = newSite(w.t, "one "+w.t.Name())
		before(w, s)
	}, func(w *world) { after(w, s) })
}

func gitMutations() []mutation {
	app := func(w *world, r *repository) { r.commit("main", "app/main", "changed in "+w.t.Name()) }
	named := func(context string) func(*world, *repository) {
		return func(w *world, r *repository) {
			w.contexts["repo"] = r.url + context
			w.edit("Dockerfile", "COPY --from=assets logo /logo", "COPY --from=repo app /repo-app")
		}
	}
	return []mutation{
		onRepository("branch of a Git context moved", everything, "%s#main", app),
		onRepository("default branch of a Git context moved", everything, "%s", app),
		onRepository("Dockerfile in a Git context", everything, "%s#main", func(_ *world, r *repository) {
			r.commit("main", "Dockerfile", simple+"RUN [\"/bin/busybox\", \"true\"]\n")
		}),
		onRepository("file of a Git context that nothing copies", needless, "%s#main", func(_ *world, r *repository) { r.commit("main", "other", "other 1") }),
		onRepository("another branch of a Git context's repository", nothing, "%s#main", func(_ *world, r *repository) { r.commit("dev", "app/main", "dev") }),
		onRepository("branch of a Git context given by its other name", nothing, "%s#main", func(w *world, _ *repository) { w.set("#main", "#refs/heads/main") }),
		onRepository("tag in place of a branch of the same commit", nothing, "%s#main", func(w *world, _ *repository) { w.set("#main", "#v1") }),
		onRepository("tag of a Git context moved", everything, "%s#v1", func(w *world, r *repository) {
			app(w, r)
			r.git("tag", "-a", "-f", "-m", "two", "v1")
			r.git("push", "--quiet", "-f", "origin", "v1")
		}),
		onRepository("tag of a Git context made anew on its commit", nothing, "%s#v1", func(_ *world, r *repository) {
			r.git("tag", "-a", "-f", "-m", "two", "v1")
			r.git("push", "--quiet", "-f", "origin", "v1")
		}),
		onRepository("branch of the name of a Git context's tag", everything, "%s#v1", func(_ *world, r *repository) { r.commit("v1", "app/main", "changed in "+r.t.Name()) }),
		onRepository("file in the directory of a Git context", everything, "%s#main:sub", func(_ *world, r *repository) { r.commit("main", "sub/app/main", "changed in "+r.t.Name()) }),
		onRepository("file beside the directory of a Git context", needless, "%s#main:sub", app),
		onRepository("other directory of a Git context", everything, "%s#main:sub", func(w *world, _ *repository) { w.set("#main:sub", "#main") }),
		onRepository("Git context with its own directory kept", everything, "%s#main", func(w *world, r *repository) {
			r.commit("main", "Dockerfile", "FROM scratch\nCOPY . /\n")
			w.set(`VERSION = "1"`, `VERSION = "1", BUILDKIT_CONTEXT_KEEP_GIT_DIR = "1"`)
		}),
		withRepository("branch of a Git context that is given by a commit", nothing, func(w *world, r *repository) {
			w.from("%s#%s", r.url, r.git("rev-parse", "HEAD"))
		}, app),
		withRepository("branch of a named Git context moved", everything, named("#main"), app),
		withRepository("branch of a named Git context that nothing uses", nothing, func(w *world, r *repository) {
			w.contexts["repo"] = r.url + "#main"
		}, app),
		withRepository("branch of a repository that ADD takes", everything, func(w *world, r *repository) {
			w.edit("Dockerfile", "ADD data.txt /data.txt", "ADD "+r.url+"#main:app /data.txt")
		}, func(w *world, r *repository) {
			app(w, r)
			w.edit("Dockerfile", "cat /src/main > /out", "cat /src/main /data.txt/main > /out")
		}),
		withRepository("branch of a repository that an unused stage takes", nothing, func(w *world, r *repository) {
			w.edit("Dockerfile", "COPY unused /unused", "ADD "+r.url+"#main:app /unused")
		}, app),
	}
}

func downloadMutations() []mutation {
	const early, late = "Mon, 02 Jan 2006 15:04:05 GMT", "Tue, 03 Jan 2006 15:04:05 GMT"
	add := func(etag, modified string) func(*world, *site) {
		return func(w *world, s *site) {
			s.set("one "+w.t.Name(), etag, modified)
			w.write("Dockerfile", "FROM scratch\nCOPY --from=busybox busybox /bin/busybox\nADD "+s.url+" /file\nRUN [\"/bin/busybox\", \"cat\", \"/file\"]\n")
		}
	}
	return []mutation{
		withSite("download changed", everything, add("", ""), func(w *world, s *site) { s.set("two "+w.t.Name(), "", "") }),
		withSite("download changed with its ETag", everything, add(`"1"`, ""), func(w *world, s *site) { s.set("two "+w.t.Name(), `"2"`, "") }),
		withSite("download changed with its time", everything, add("", early), func(w *world, s *site) { s.set("two "+w.t.Name(), "", late) }),
		withSite("download changed behind a weak ETag", everything, add("", ""), func(w *world, s *site) { s.set("two "+w.t.Name(), `W/"1"`, "") }),
		withSite("time of a download", needless, add("", early), func(w *world, s *site) { s.set("one "+w.t.Name(), "", late) }),
		withSite("ETag of a download", needless, add(`"1"`, early), func(w *world, s *site) { s.set("one "+w.t.Name(), `"2"`, early) }),
		withSite("weak ETag of a download", nothing, add(`W/"1"`, early), func(w *world, s *site) { s.set("one "+w.t.Name(), `W/"2"`, early) }),
		withSite("download behind a token changed", everything, func(w *world, s *site) {
			add("", "")(w, s)
			s.authorization = "Bearer s3cret"
			w.set(`src = "token" }`, `src = "token" }, { id = "HTTP_AUTH_TOKEN_127.0.0.1", src = "token" }`)
		}, func(w *world, s *site) { s.set("two "+w.t.Name(), "", "") }),
		withSite("download that nothing takes", nothing, func(w *world, s *site) {
			w.edit("Dockerfile", "COPY unused /unused", "ADD "+s.url+" /unused")
		}, func(w *world, s *site) { s.set("two "+w.t.Name(), "", "") }),
		withSite("named context that is a download", everything, func(w *world, s *site) {
			w.contexts["page"] = s.url
			w.edit("Dockerfile", "COPY --from=assets logo /logo", "COPY --from=page context /page")
		}, func(w *world, s *site) { s.set("two "+w.t.Name(), "", "") }),
		withSite("Dockerfile that is a download", everything, func(w *world, s *site) {
			s.set("FROM scratch\nCOPY --from=busybox busybox /bin/busybox\n", "", "")
			w.from("%s", s.url)
		}, func(_ *world, s *site) {
			s.set("FROM scratch\nCOPY --from=busybox busybox /bin/busybox\nRUN [\"/bin/busybox\", \"true\"]\n", "", "")
		}),
		withSite("comment in a Dockerfile that is a download", nothing, func(w *world, s *site) {
			s.set("FROM scratch\nCOPY --from=busybox busybox /bin/busybox\n", "", "")
			w.from("%s", s.url)
		}, func(_ *world, s *site) {
			s.set("# A comment.\nFROM scratch\nCOPY --from=busybox busybox /bin/busybox\n", "", "")
		}),
	}
}

func layoutMutations() []mutation {
	use := func(w *world) {
		w.image("layout", "one")
		w.contexts["img"] = "oci-layout://layout"
		w.write("Dockerfile", "FROM img\nCOPY aim /aim\n")
	}
	return []mutation{
		changeOf("image in an OCI layout", everything, use, func(w *world) { w.image("layout", "two") }),
		changeOf("image in an OCI layout written again", nothing, use, func(w *world) { w.image("layout", "one") }),
		changeOf("OCI layout at another place", nothing, use, func(w *world) {
			w.try(os.Rename(w.path("layout"), w.path("moved")))
			w.contexts["img"] = "oci-layout://moved"
		}),
	}
}
