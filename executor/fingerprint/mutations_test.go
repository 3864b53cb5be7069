package fingerprint_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// mutation is one kind of change to a project.
type mutation struct {
	name string
	// before prepares the project, after changes it.
	before, after func(*world)
	// runs says that BuildKit executes a step afterwards; changes that the fingerprint is to be another, or unpinned.
	runs, changes bool
	// own says that the change comes to the same as another one does, so that the builder must know nothing of that.
	own bool
	// pushes says that the image that is pushed is another one.
	pushes bool
	// image says that the change needs an image in a registry, and a builder to make it.
	image bool
}

// everything is a change that BuildKit builds something for, nothing one that it does not; image is one that makes another image of the same
// steps, rebuilt both, needless one that BuildKit would not run a step for and we do.
const (
	everything = iota
	nothing
	needless
	image
	rebuilt
)

func change(name string, kind int, after func(*world)) mutation {
	return mutation{
		name: name, after: after, runs: kind == everything || kind == rebuilt, changes: kind != nothing, pushes: kind == image || kind == rebuilt,
	}
}

func changeOf(name string, kind int, before, after func(*world)) mutation {
	m := change(name, kind, after)
	m.before = before
	return m
}

// same are changes that come to what another one comes to, or takes in, so that a builder could have seen it: each has a project of its own.
var same = []string{
	"Dockerfile's link points elsewhere",
	"extended attribute gone",
	"platform's own argument declared",
	"ignore file behind a link",
	"ignore file with an exception in an ignored directory",
	"ignore file of the Dockerfile without a pattern",
	"ignore file of the Dockerfile gone",
	"empty ignore file of the Dockerfile",
	"ignore file becomes a directory",
	"Dockerfile in a directory",
	"ignore file beside a Dockerfile in a directory",
	"Dockerfile in small letters beside a new one",
	"ignore file with an inline Dockerfile",
	"inline Dockerfile",
	"mounted directory can be written",
	"argument before the first stage that names its base",
	"argument that names the base of a stage",
	"extra host gone",
	"network mode gone",
	"extra host",
	"network mode",
	"shared memory",
	"time of a pushed image",
	"network of the host",
	"all rights",
	"step of a stage that is only mounted",
	"step of a stage that a cache mount is from",
	"file of a pushed image",
	"link that a wildcard finds",
	"network of the host for all steps",
	"number of a user whom COPY names",
	"content behind a mounted link",
	"file that is mounted",
	"content of a directory that is mounted to be written",
	"new file in a directory that is mounted to be written",
}

// mutations are all kinds of change that are tried.
func mutations() []mutation {
	list := slices.Concat(fileMutations(), specialFileMutations(), nameMutations(), linkMutations(), ignoreMutations(), dockerfileMutations(), instructionMutations(),
		mountMutations(), argumentMutations(), targetMutations(), contextMutations(), linkedMutations(), imageMutations(), publishedMutations(),
		gitMutations(), downloadMutations(), layoutMutations())
	for i := range list {
		list[i].own = slices.Contains(same, list[i].name)
	}
	return list
}

func fileMutations() []mutation {
	return []mutation{
		change("content of a copied file", everything, func(w *world) { w.write("src/main", "main 1") }),
		change("content of the same length", everything, func(w *world) { w.write("src/main", "niam") }),
		change("content of a file deep in a copied directory", everything, func(w *world) { w.write("src/lib/b", "b 2") }),
		change("new file in a copied directory", everything, func(w *world) { w.write("src/new", "new 3") }),
		change("new empty directory in a copied directory", everything, func(w *world) { w.try(os.Mkdir(w.path("src/hollow"), 0o755)) }),
		change("empty directory gone", everything, func(w *world) { w.remove("src/empty") }),
		change("file gone", everything, func(w *world) { w.remove("src/lib/a") }),
		change("file renamed", everything, func(w *world) { w.rename("src/lib/a", "src/lib/c") }),
		change("two files exchanged", everything, func(w *world) {
			w.rename("src/lib/a", "src/lib/t")
			w.rename("src/lib/b", "src/lib/a")
			w.rename("src/lib/t", "src/lib/b")
		}),
		change("mode of a file", everything, func(w *world) { w.chmod("src/main", 0o755) }),
		change("mode of a directory", needless, func(w *world) { w.chmod("src/lib", 0o700) }),
		change("setuid bit", everything, func(w *world) { w.chmod("src/main", 0o644|os.ModeSetuid) }),
		change("file becomes a directory", everything, func(w *world) {
			w.remove("src/lib/a")
			w.write("src/lib/a/a", "a")
		}),
		change("directory becomes a file", everything, func(w *world) {
			w.remove("src/lib")
			w.write("src/lib", "lib 11")
		}),
		change("file becomes a link to its content", everything, func(w *world) {
			w.write("src/lib/b", "a")
			w.remove("src/lib/b")
			w.try(os.Symlink("a", w.path("src/lib/b")))
		}),
		changeOf("target of a link in a copied directory", everything,
			func(w *world) { w.try(os.Symlink("a", w.path("src/lib/l"))) },
			func(w *world) { w.remove("src/lib/l"); w.try(os.Symlink("b", w.path("src/lib/l"))) }),
		change("content behind a copied link", everything, func(w *world) { w.write("aim", "aim 16") }),
		change("copied link points elsewhere", everything, func(w *world) { w.remove("link"); w.try(os.Symlink("data.txt", w.path("link"))) }),
		change("link becomes a file of other content", everything, func(w *world) { w.remove("link"); w.write("link", "aimless") }),
		change("copied link dangles in a directory", everything, func(w *world) { w.try(os.Symlink("nowhere", w.path("src/dangling"))) }),
		change("file that matches a wildcard", everything, func(w *world) { w.write("a.cfg", "a 19") }),
		change("new file that matches a wildcard", everything, func(w *world) { w.write("c.cfg", "c") }),
		change("file that no wildcard matches", nothing, func(w *world) { w.write("c.conf", "c") }),
		change("content of a file that ADD takes", everything, func(w *world) { w.write("data.txt", "data 21") }),
		change("content of a file with --chown", everything, func(w *world) { w.write("owned", "owned 22") }),
		change("content of a file with --chmod", everything, func(w *world) { w.write("moded", "moded 23") }),
		change("content of a mounted file", everything, func(w *world) { w.write("gen/y", "y 24") }),
		change("new file in a mounted directory", everything, func(w *world) { w.write("gen/z", "z") }),
		change("file that nothing copies", nothing, func(w *world) { w.write("elsewhere/file", "changed") }),
		change("new file that nothing copies", nothing, func(w *world) { w.write("elsewhere/more", "more") }),
		change("file of an unused stage", nothing, func(w *world) { w.write("unused", "changed") }),
		change("ignored file", nothing, func(w *world) { w.write("ignored/file", "changed") }),
		change("ignored file in a copied directory", nothing, func(w *world) { w.write("src/skip", "changed") }),
		change("file that an ignore pattern does not reach", everything, func(w *world) { w.write("src/note.log", "changed 31") }),
		change("ignore file with one pattern more", everything, func(w *world) { w.edit(".dockerignore", "*.log", "*.log\nsrc/lib/b") }),
		change("ignore file with an exception", everything, func(w *world) { w.edit(".dockerignore", "src/skip", "src/skip\n!src/skip") }),
		change("ignore file with a pattern that matches nothing", nothing, func(w *world) { w.edit(".dockerignore", "*.log", "*.log\nnothing/here") }),
		change("ignore file with a comment", nothing, func(w *world) { w.edit(".dockerignore", "*.log", "# logs\n*.log") }),
		changeOf("ignore file gone", everything, func(w *world) { w.write("src/skip", "skipped 35") }, func(w *world) { w.remove(".dockerignore") }),
		change("ignore file of the Dockerfile takes over", everything, func(w *world) { w.write("Dockerfile.dockerignore", "src/lib/a\n") }),
		change("modification time", nothing, func(w *world) {
			w.try(os.Chtimes(w.path("src/main"), time.Unix(1, 0), time.Unix(1, 0)))
		}),
		change("same content written again", nothing, func(w *world) { w.write("src/main", "main") }),
		change("hard link in place of an equal file", nothing, func(w *world) {
			w.remove("src/lib/b")
			w.write("elsewhere/b", "b")
			w.try(os.Link(w.path("elsewhere/b"), w.path("src/lib/b")))
		}),
		change("file of a named context", everything, func(w *world) { w.write("assets/logo", "logo 40") }),
		change("file of a named context that nothing copies", nothing, func(w *world) { w.write("assets/other", "changed") }),
		change("ignore file of a named context", nothing, func(w *world) { w.write("assets/.dockerignore", "other\n") }),
	}
}

func dockerfileMutations() []mutation {
	edit := func(old, text string) func(*world) { return func(w *world) { w.edit("Dockerfile", old, text) } }
	return []mutation{
		change("comment", nothing, edit("# A comment.", "# Another comment.")),
		change("empty lines", nothing, edit("FROM base AS tools", "\n\nFROM base AS tools")),
		change("case of an instruction", nothing, edit("COPY link /link", "copy link /link")),
		change("continuation line", nothing, edit("COPY link /link", "COPY link \\\n  /link")),
		change("unused stage", nothing, edit("RUN echo unused", "RUN echo changed")),
		change("unused stage gone", nothing, edit("FROM base AS unused\nCOPY unused /unused\nRUN echo unused\n", "")),
		change("name of a stage", nothing, edit("FROM base AS final", "FROM base AS last")),
		change("command", everything, edit("cat /src/main > /out", "cat /src/main /src/main > /out")),
		change("spaces in a command", everything, edit("echo tool $TOOL", "echo  tool $TOOL")),
		change("shell form becomes exec form", everything, edit("RUN echo tool $TOOL > /tool", `RUN ["/bin/sh", "-c", "echo tool 1 > /tool"]`)),
		change("order of two steps", everything, edit("COPY --chown=1:1 owned /owned\nCOPY --chmod=600 moded /moded", "COPY --chmod=600 moded /moded\nCOPY --chown=1:1 owned /owned")),
		change("step gone", everything, edit("COPY --chmod=600 moded /moded\n", "")),
		change("step more", everything, edit("WORKDIR /src", "WORKDIR /src\nRUN echo more > /more")),
		change("owner that COPY sets", everything, edit("--chown=1:1", "--chown=2:2")),
		change("mode that COPY sets", everything, edit("--chmod=600", "--chmod=640")),
		change("destination of COPY", everything, edit("data.txt /data.txt", "data.txt /data2.txt")),
		change("COPY with --link", everything, edit("ADD data.txt", "ADD --link data.txt")),
		change("working directory", everything, edit("WORKDIR /src", "WORKDIR /work")),
		change("environment before a step", everything, edit("ENV MODE=release", "ENV MODE=debug")),
		change("user before a step", everything, edit("RUN echo $VERSION > /version", "USER 0:0\nRUN echo $VERSION > /version")),
		change("shell before a step", everything, edit("RUN echo $VERSION > /version", `SHELL ["/bin/sh", "-e", "-c"]`+"\nRUN echo $VERSION > /version")),
		change("here-document", everything, edit("hello", "hello there")),
		change("quoting of a here-document", nothing, edit("<<EOF /heredoc", `<<"EOF" /heredoc`)),
		change("default of a used argument", everything, edit("ARG TOOL=1", "ARG TOOL=2")),
		change("default of an argument that is given", nothing, edit("ARG VERSION=1", "ARG VERSION=9")),
		change("argument declared before a step", everything, edit("RUN echo $VERSION", "ARG NOBODY\nRUN echo $VERSION")),
		change("global argument's default", everything, edit("ARG GLOBAL=one", "ARG GLOBAL=two")),
		change("network of a step", everything, edit("RUN echo tool", "RUN --network=none echo tool")),
		change("id of a cache mount", needless, edit("id=one", "id=two")),
		change("id of a secret", everything, edit("id=token", "id=other")),
		change("secret is required", everything, edit("id=token", "id=token,required=true")),
		change("mounted directory", everything, edit("source=gen,target=/gen cat /gen/*", "source=src/lib,target=/gen cat /gen/*")),
		change("stage that COPY takes from", everything, edit("COPY --from=build /heredoc /heredoc", "COPY --from=build /version /heredoc")),
		change("base of a stage", everything, edit("FROM base AS final", "FROM tools AS final")),
		change("label", nothing, edit("LABEL version=1", "LABEL version=2")),
		change("command of the image", nothing, edit(`CMD ["/out"]`, `CMD ["/in"]`)),
		change("environment after the last step", nothing, edit("ENV LAST=1", "ENV LAST=2")),
		change("escape directive", nothing, func(w *world) { w.write("Dockerfile", "# escape=\\\n"+w.dockerfile) }),
		change("frontend that is not part of BuildKit", needless, func(w *world) { w.write("Dockerfile", "# syntax=127.0.0.1:1/own/frontend\n"+w.dockerfile) }),
		change("name of the Dockerfile", nothing, func(w *world) {
			w.rename("Dockerfile", "Containerfile")
			w.body += "  dockerfile = \"Containerfile\"\n"
		}),
		change("Dockerfile given inline", nothing, func(w *world) {
			w.body += "  dockerfile-inline = <<-DOCKERFILE\n" + strings.ReplaceAll(w.dockerfile, "${", "$${") + "DOCKERFILE\n"
		}),
	}
}

func targetMutations() []mutation {
	set := func(old, text string) func(*world) { return func(w *world) { w.set(old, text) } }
	add := func(text string) func(*world) { return func(w *world) { w.body += "  " + text + "\n" } }
	onDir := func(w *world) {
		w.write("Dockerfile", "FROM linked\nRUN cat /linked > /copy\n")
		w.contexts["linked"] = "target:linked"
		w.write("linked.Dockerfile", "FROM scratch\nCOPY --from=busybox busybox /bin/busybox\nRUN [\"/bin/busybox\", \"--install\", \"-s\", \"/bin\"]\nCOPY aim /linked\nENV FROM_BASE=1\n")
		w.more = "target \"linked\" {\n  dockerfile = \"linked.Dockerfile\"\n  contexts = { busybox = \"" + strings.TrimSuffix(busyboxPath(w.t), "/busybox") + "\" }\n}\n"
	}
	return []mutation{
		change("argument that a step uses", everything, set(`VERSION = "1"`, `VERSION = "2"`)),
		change("argument that nothing declares", nothing, set(`NOBODY = "1"`, `NOBODY = "2"`)),
		change("argument more that nothing declares", nothing, set(`NOBODY`, `OTHER = "1", NOBODY`)),
		change("argument more that a step uses", everything, set(`NOBODY`, `TOOL = "7", NOBODY`)),
		change("argument given as its default", nothing, set(`NOBODY`, `TOOL = "1", NOBODY`)),
		change("argument gone that is its default", nothing, set(`VERSION = "1", `, ``)),
		change("global argument given", everything, set(`NOBODY`, `GLOBAL = "three", NOBODY`)),
		change("proxy", nothing, set(`NOBODY`, `HTTP_PROXY = "http://127.0.0.1:1", NOBODY`)),
		change("SOURCE_DATE_EPOCH", everything, set(`NOBODY`, `SOURCE_DATE_EPOCH = "1700000000", NOBODY`)),
		change("label of the target", nothing, set(`team = "one"`, `team = "two"`)),
		change("stage to build", everything, add(`target = "unused"`)),
		change("stage to build that is part of it", nothing, add(`target = "final"`)),
		change("content of a secret", nothing, func(w *world) { w.write("token", "another") }),
		change("secret that nothing mounts", nothing, set(`secret = [`, `secret = [{ id = "more", src = "token" }, `)),
		change("named context elsewhere with the same content", nothing, func(w *world) {
			w.write("assets2/logo", "logo")
			w.contexts["assets"] = "assets2"
		}),
		change("named context elsewhere with other content", everything, func(w *world) {
			w.write("assets2/logo", "logo 50")
			w.contexts["assets"] = "assets2"
		}),
		change("named context in place of a stage", everything, func(w *world) {
			w.write("tools/tool", "tool 51")
			w.contexts["tools"] = "tools"
		}),
		change("context elsewhere with the same content", nothing, (*world).move),
		change("tags", nothing, add(`tags = ["127.0.0.1:1/app:1"]`)),
		change("extra host", everything, add(`extra-hosts = { example = "127.0.0.2" }`)),
		change("network mode", everything, add(`network = "none"`)),
		change("shared memory", everything, add(`shm-size = "64m"`)),
		change("ulimit", everything, add(`ulimits = ["nofile=512:512"]`)),
		change("no-cache", everything, add(`no-cache = true`)),
		change("no-cache of a stage", everything, add(`no-cache-filter = ["tools"]`)),
		change("no-cache of an unused stage", nothing, add(`no-cache-filter = ["unused"]`)),
		changeOf("file of a linked target", everything, onDir, func(w *world) { w.write("aim", "aim 60") }),
		changeOf("Dockerfile of a linked target", everything, onDir, func(w *world) { w.edit("linked.Dockerfile", "COPY aim /linked", "COPY data.txt /linked") }),
		changeOf("environment of a linked target", everything, onDir, func(w *world) { w.edit("linked.Dockerfile", "FROM_BASE=1", "FROM_BASE=2") }),
		changeOf("comment in a linked target", nothing, onDir, func(w *world) { w.edit("linked.Dockerfile", "ENV", "# comment\nENV") }),
		changeOf("argument of a linked target that nothing declares", nothing, onDir, func(w *world) { w.more = strings.Replace(w.more, "contexts", "args = { X = \"1\" }\n  contexts", 1) }),
		changeOf("download without a checksum", needless, nil, func(w *world) {
			w.edit("Dockerfile", "ADD data.txt /data.txt", "COPY data.txt /data.txt\nADD --link http://127.0.0.1:1/x /x")
		}),
	}
}

func imageMutations() []mutation {
	on := func(tag, more string) func(*world) {
		return func(w *world) {
			w.push(tag, "one", more)
			w.write("Dockerfile", "FROM "+w.registry+"/base:"+tag+"\nCOPY aim /aim\nRUN [\"/bin/busybox\", \"cat\", \"/content\"]\n")
		}
	}
	list := []mutation{
		changeOf("base image moved", everything, on("moved", ""), func(w *world) { w.push("moved", "two", "") }),
		changeOf("base image pushed again as it was", nothing, on("same", ""), func(w *world) { w.push("same", "one", "") }),
		changeOf("environment of the base image", everything, on("env", "ENV A=1\n"), func(w *world) { w.push("env", "one", "ENV A=2\n") }),
		changeOf("trigger of the base image", everything, on("trigger", ""), func(w *world) { w.push("trigger", "one", "ONBUILD COPY data.txt /triggered\n") }),
		changeOf("file that a trigger copies", everything, on("triggered", "ONBUILD COPY data.txt /triggered\n"), func(w *world) { w.write("data.txt", "data 70") }),
		changeOf("file that no trigger copies", nothing, on("untriggered", "ONBUILD COPY data.txt /triggered\n"), func(w *world) { w.write("owned", "changed") }),
		changeOf("base image by another tag of the same content", needless, on("one", ""), func(w *world) { w.push("other", "one", ""); w.edit("Dockerfile", "base:one", "base:other") }),
		changeOf("base image pinned to what its tag points at", needless, on("pinned", ""), func(w *world) { w.edit("Dockerfile", "base:pinned", "base@"+w.digestOf("pinned")) }),
		changeOf("image in place of a base image", everything, on("replaced", ""), func(w *world) {
			w.push("instead", "three", "")
			w.contexts[w.registry+"/base:replaced"] = "docker-image://" + w.registry + "/base:instead"
		}),
		changeOf("image of a named context moved", everything, func(w *world) {
			on("context", "")(w)
			w.write("Dockerfile", "FROM scratch\nCOPY --from=img /content /content\n")
			w.contexts["img"] = "docker-image://" + w.registry + "/base:context"
		}, func(w *world) { w.push("context", "four", "") }),
		changeOf("newer base images asked for", needless, on("pull", ""), func(w *world) { w.body += "  pull = true\n" }),
		changeOf("platform", everything, on("platform", ""), func(w *world) { w.body += "  platforms = [\"linux/amd64\", \"linux/386\"]\n" }),
		changeOf("label with an image", needless, func(w *world) {
			on("label", "")(w)
			w.body += "  tags = [\"" + w.registry + "/out:label\"]\n  output = [\"type=image,push=true\"]\n"
		}, func(w *world) { w.set(`team = "one"`, `team = "two"`) }),
		changeOf("tag with an image", needless, func(w *world) {
			on("tag", "")(w)
			w.body += "  tags = [\"" + w.registry + "/out:tag\"]\n  output = [\"type=image,push=true\"]\n"
		}, func(w *world) { w.set("/out:tag", "/out:other") }),
	}
	return onImages(list)
}

// onImages marks changes that need a registry and a builder.
func onImages(list []mutation) []mutation {
	for i := range list {
		list[i].image = true
	}
	return list
}

// TestMutations holds which changes a fingerprint tells, without a builder; TestBuildKitAgrees holds that these are enough.
func TestMutations(t *testing.T) {
	for _, m := range mutations() {
		if m.image {
			continue
		}
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if m.before != nil {
				m.before(w)
			}
			before := w.print()
			if !before.Pinned() {
				t.Fatalf("unpinned before the change: %q", before.Unpinned)
			}
			m.after(w)
			after := w.print()
			if changed := !after.Pinned() || after.Digest != before.Digest; changed != m.changes {
				t.Errorf("changed is %t, want %t\nbefore %+v\nafter %+v", changed, m.changes, before.Parts, after.Parts)
			}
		})
	}
}
