package fingerprint_test

import (
	"os"
	"path/filepath"
	"strings"
)

// argumentMutations are about arguments and settings that BuildKit knows.
func argumentMutations() []mutation {
	edit := func(old, text string) func(*world) { return func(w *world) { w.edit("Dockerfile", old, text) } }
	set := func(old, text string) func(*world) { return func(w *world) { w.set(old, text) } }
	arg := func(text string) func(*world) { return set("NOBODY", text+", NOBODY") }
	add := func(text string) func(*world) { return func(w *world) { w.body += "  " + text + "\n" } }
	const runs = "RUN echo $VERSION > /version"
	return []mutation{
		change("BUILDKIT_CACHE_MOUNT_NS", needless, arg(`BUILDKIT_CACHE_MOUNT_NS = "x"`)),
		change("BUILDKIT_SANDBOX_HOSTNAME", everything, arg(`BUILDKIT_SANDBOX_HOSTNAME = "x"`)),
		change("BUILDKIT_MULTI_PLATFORM", needless, arg(`BUILDKIT_MULTI_PLATFORM = "1"`)),
		change("BUILDKIT_CONTEXT_KEEP_GIT_DIR", nothing, arg(`BUILDKIT_CONTEXT_KEEP_GIT_DIR = "1"`)),
		change("BUILDKIT_SYNTAX", needless, arg(`BUILDKIT_SYNTAX = "127.0.0.1:1/docker/dockerfile"`)),
		change("BUILDKIT_DOCKERFILE_CHECK", nothing, arg(`BUILDKIT_DOCKERFILE_CHECK = "skip=all"`)),
		changeOf("BUILDKIT_DOCKERFILE_CHECK that a build fails for", needless, edit("COPY link /link", "copy link /link"), arg(`BUILDKIT_DOCKERFILE_CHECK = "error=true"`)),
		change("BUILDKIT_INLINE_CACHE", nothing, arg(`BUILDKIT_INLINE_CACHE = "1"`)),
		change("BUILDKIT_BUILD_NAME", nothing, arg(`BUILDKIT_BUILD_NAME = "x"`)),
		change("argument of another case", nothing, arg(`version = "1"`)),
		changeOf("platform's own argument", nothing, edit(runs, "ARG TARGETARCH\n"+runs), arg(`BUILDARCH = "x"`)),
		changeOf("platform's own argument given", everything, edit(runs, "ARG TARGETARCH\n"+runs), arg(`TARGETARCH = "x"`)),
		change("platform's own argument declared", everything, edit(runs, "ARG TARGETARCH\n"+runs)),
		changeOf("argument before the first stage that names its base", everything, edit("FROM base AS final", "FROM ${LAST:-base} AS final"), func(w *world) {
			w.edit("Dockerfile", "ARG GLOBAL=one", "ARG GLOBAL=one\nARG LAST=tools")
		}),
		changeOf("argument that names the base of a stage", everything, func(w *world) {
			w.edit("Dockerfile", "ARG GLOBAL=one", "ARG GLOBAL=one\nARG LAST=base")
			w.edit("Dockerfile", "FROM base AS final", "FROM ${LAST} AS final")
		}, arg(`LAST = "tools"`)),
		changeOf("argument that an unused argument is made of", nothing, edit("ARG GLOBAL=one", "ARG GLOBAL=one\nARG A=1\nARG B=$A"), arg(`A = "2"`)),
		changeOf("argument that a used argument is made of", everything, edit("ARG TOOL=1", "ARG A=1\nARG TOOL=$A"), arg(`A = "2"`)),
		changeOf("argument that a variable is made of", everything, edit("ENV MODE=release", "ARG MODE_=release\nENV MODE=$MODE_"), arg(`MODE_ = "debug"`)),
		changeOf("argument of an extra host's address", needless, add(`extra-hosts = { example = "127.0.0.2" }`), set("127.0.0.2", "127.0.0.3")),
		changeOf("extra host gone", everything, add(`extra-hosts = { example = "127.0.0.2" }`), set(`extra-hosts = { example = "127.0.0.2" }`, "")),
		changeOf("size of shared memory", everything, add(`shm-size = "64m"`), set("64m", "65m")),
		changeOf("shared memory in other words", nothing, add(`shm-size = "64m"`), set("64m", "65536k")),
		changeOf("ulimits in another order", everything, add(`ulimits = ["nofile=512:512", "nproc=99:99"]`), set(`"nofile=512:512", "nproc=99:99"`, `"nproc=99:99", "nofile=512:512"`)),
		changeOf("network mode gone", everything, add(`network = "none"`), set(`network = "none"`, "")),
		change("network mode in words for the usual", nothing, add(`network = "default"`)),
		change("network of the host for all steps", everything, add(`network = "host"`)),
		change("memory of steps", nothing, add(`resources = { memory = "512m" }`)),
		change("processors of steps", nothing, add(`resources = { cpuset-cpus = "0" }`)),
		change("description", nothing, add(`description = "x"`)),
		change("pull", nothing, add(`pull = true`)),
		change("annotation without an image", nothing, add(`annotations = ["a=b"]`)),
		change("stage to build by a name that nobody knows", needless, add(`target = "nobody"`)),
		change("stage to build by its number", everything, add(`target = "1"`)),
		change("no-cache of a stage in capitals", everything, add(`no-cache-filter = ["TOOLS"]`)),
	}
}

// contextMutations are about named contexts.
func contextMutations() []mutation {
	edit := func(old, text string) func(*world) { return func(w *world) { w.edit("Dockerfile", old, text) } }
	touch := func(name string) func(*world) { return func(w *world) { w.write(name, "changed") } }
	named := func(name, value string) func(*world) { return func(w *world) { w.contexts[name] = value } }
	return []mutation{
		change("directory in place of a base", everything, func(w *world) { onDirectory(w, "FROM root\nRUN [\"/busybox\", \"true\"]\n") }),
		changeOf("directory that nothing is done to", needless, func(w *world) { onDirectory(w, "FROM root\n") }, touch("root/new")),
		changeOf("named context by another way to the same directory", nothing, nil, func(w *world) {
			w.try(os.Symlink("assets", w.path("things")))
			w.contexts["assets"] = "things"
		}),
		changeOf("two names of one context", everything, func(w *world) {
			w.contexts["more"] = "assets"
			w.edit("Dockerfile", "COPY --from=assets logo /logo", "COPY --from=assets logo /logo\nCOPY --from=more other /other")
		}, touch("assets/other")),
		changeOf("name of a context", nothing, nil, func(w *world) {
			w.contexts["things"] = "assets"
			delete(w.contexts, "assets")
			w.edit("Dockerfile", "--from=assets", "--from=things")
		}),
		change("named context that nothing uses", nothing, named("nobody", "elsewhere")),
		changeOf("file of a named context that nothing uses", nothing, named("nobody", "elsewhere"), touch("elsewhere/file")),
		changeOf("ignore file of a named context that is copied whole", everything, func(w *world) {
			w.edit("Dockerfile", "--from=assets logo /logo", "--from=assets . /logo")
		}, func(w *world) { w.write("assets/.dockerignore", "other\n.dockerignore\n") }),
		changeOf("file of a named context that its ignore file keeps back", nothing, func(w *world) {
			w.write("assets/.dockerignore", "other\n")
			w.edit("Dockerfile", "--from=assets logo /logo", "--from=assets . /logo")
		}, touch("assets/other")),
		changeOf("named context in place of an image", everything, func(w *world) {
			w.write("toys/tool", "tool")
			w.contexts["127.0.0.1:1/image"] = "toys"
			w.edit("Dockerfile", "COPY --from=tools /tool /tool", "COPY --from=127.0.0.1:1/image /tool /tool")
		}, touch("toys/tool")),
		changeOf("named context that is the context", everything, func(w *world) {
			w.contexts["assets"] = "."
			w.edit("Dockerfile", "--from=assets logo", "--from=assets assets/logo")
		}, touch("assets/logo")),
		changeOf("ignored file of the context as a named context", nothing, func(w *world) {
			w.contexts["assets"] = "."
			w.edit("Dockerfile", "--from=assets logo", "--from=assets assets/logo")
		}, touch("ignored/file")),
		change("named context that is not there", needless, named("assets", "nowhere")),
		change("context that is not there", needless, func(w *world) { w.body += "  context = \"nowhere\"\n" }),
		changeOf("context in a directory of the same content", nothing, func(w *world) {
			w.write("Dockerfile", "FROM scratch\nCOPY a /a\n")
			w.write("one/a", "a")
			w.write("two/a", "a")
			w.body += "  context = \"one\"\n  dockerfile = \"../Dockerfile\"\n"
		}, func(w *world) { w.set(`context = "one"`, `context = "two"`) }),
		changeOf("context in a directory of other content", everything, func(w *world) {
			w.write("Dockerfile", "FROM scratch\nCOPY a /a\n")
			w.write("one/a", "a")
			w.write("two/a", "b")
			w.body += "  context = \"one\"\n  dockerfile = \"../Dockerfile\"\n"
		}, func(w *world) { w.set(`context = "one"`, `context = "two"`) }),
		changeOf("layer that COPY --from takes by a link", everything, edit("COPY --from=tools /tool /tool", "COPY --from=build /link /tool"), func(w *world) { w.write("aim", "aim 4") }),
	}
}

// onDirectory has a directory of this machine that a stage can be built on.
func onDirectory(w *world, dockerfile string) {
	w.write("Dockerfile", dockerfile)
	raw, err := os.ReadFile(busyboxPath(w.t))
	w.try(err)
	w.try(os.Mkdir(w.path("root"), 0o755))
	w.try(os.WriteFile(w.path("root/busybox"), raw, 0o755))
	w.contexts["root"] = "root"
}

// linkedMutations are about targets that others take contexts from.
func linkedMutations() []mutation {
	const linked = "linked.Dockerfile"
	edit := func(old, text string) func(*world) { return func(w *world) { w.edit(linked, old, text) } }
	more := func(old, text string) func(*world) {
		return func(w *world) { w.more = w.replaced(w.more, old, text) }
	}
	use := func(text, of string) func(*world) {
		return func(w *world) {
			w.write("Dockerfile", text)
			w.contexts["linked"] = "target:linked"
			w.write(linked, of)
			w.more = "target \"linked\" {\n  dockerfile = \"" + linked + "\"\n  contexts = { busybox = \"" + filepath.Dir(busyboxPath(w.t)) + "\" }\n}\n"
		}
	}
	const base = "FROM scratch AS first\nCOPY --from=busybox busybox /bin/busybox\nRUN [\"/bin/busybox\", \"--install\", \"-s\", \"/bin\"]\nFROM first AS second\nARG A=1\nCOPY aim /linked\n"
	on := use("FROM linked\nRUN cat /linked > /copy\n", base)
	with := func(config string) func(*world) { return use("FROM linked\nRUN cat /linked > copy\n", base+config) }
	copied := use("FROM scratch\nCOPY --from=linked /linked /copy\n", base)
	mounted := use("FROM linked AS l\nRUN --mount=from=linked,target=/l cat /l/linked > /copy\n", base)
	return []mutation{
		changeOf("user of a linked target", everything, with("USER 0:0\n"), edit("USER 0:0", "USER 0:1")),
		changeOf("working directory of a linked target", everything, with("WORKDIR /w\n"), edit("WORKDIR /w", "WORKDIR /v")),
		changeOf("shell of a linked target", everything, with("SHELL [\"/bin/sh\", \"-c\"]\n"), edit(`"-c"`, `"-ec"`)),
		changeOf("trigger of a linked target", everything, with("ONBUILD RUN echo 1 > /1\n"), edit("echo 1", "echo 2")),
		changeOf("command of a linked target", nothing, with("CMD [\"/a\"]\n"), edit("/a", "/b")),
		changeOf("label of a linked target", nothing, on, more("dockerfile", "labels = { a = \"b\" }\n  dockerfile")),
		changeOf("argument of a linked target", everything, with("RUN echo $A\n"), more("dockerfile", "args = { A = \"2\" }\n  dockerfile")),
		changeOf("stage of a linked target", everything, on, func(w *world) {
			w.edit("Dockerfile", "RUN cat /linked", "RUN echo")
			w.more = w.replaced(w.more, "dockerfile", "target = \"first\"\n  dockerfile")
		}),
		changeOf("no-cache of a linked target", everything, on, more("dockerfile", "no-cache = true\n  dockerfile")),
		changeOf("no-cache of a stage of a linked target", everything, on, more("dockerfile", "no-cache-filter = [\"second\"]\n  dockerfile")),
		changeOf("context of a linked target elsewhere", everything, on, func(w *world) {
			w.write("other/aim", "other")
			w.write("other/"+linked, base)
			w.more = w.replaced(w.more, "dockerfile", "context = \"other\"\n  dockerfile")
		}),
		changeOf("context of a linked target elsewhere with the same content", nothing, on, func(w *world) {
			w.write("other/aim", "aim")
			w.write("other/"+linked, base)
			w.more = w.replaced(w.more, "dockerfile", "context = \"other\"\n  dockerfile")
		}),
		changeOf("file that is copied from a linked target", everything, copied, func(w *world) { w.write("aim", "aim 5") }),
		changeOf("environment of a linked target that is copied from", nothing, copied, edit("COPY aim /linked", "COPY aim /linked\nENV E=1")),
		changeOf("file of a linked target that is mounted", everything, mounted, func(w *world) { w.write("aim", "aim 6") }),
		changeOf("ignore file of a linked target", everything, func(w *world) {
			use("FROM scratch\nCOPY --from=linked / /copy\n", "FROM scratch\nCOPY src /src\n")(w)
		}, func(w *world) { w.edit(".dockerignore", "*.log", "*.log\nsrc/lib/b") }),
		changeOf("file of a target that a linked target links to", everything, func(w *world) {
			use("FROM scratch\nCOPY --from=linked /linked /copy\n", "FROM deep\nCOPY aim /linked\n")(w)
			w.write("deep.Dockerfile", "FROM scratch\nCOPY data.txt /\n")
			w.more = strings.Replace(w.more, "contexts = {", "contexts = { deep = \"target:deep\",", 1) + "target \"deep\" {\n  dockerfile = \"deep.Dockerfile\"\n}\n"
		}, func(w *world) { w.write("data.txt", "changed") }),
		changeOf("linked target in place of a stage", everything, nil, func(w *world) {
			w.contexts["tools"] = "target:toys"
			w.write("toys.Dockerfile", "FROM scratch\nCOPY aim /tool\n")
			w.more = "target \"toys\" {\n  dockerfile = \"toys.Dockerfile\"\n}\n"
		}),
		changeOf("linked target in place of a directory of the same content", needless, func(w *world) {
			w.write("Dockerfile", "FROM scratch\nCOPY --from=assets logo /logo\n")
		}, func(w *world) {
			w.contexts["assets"] = "target:assets"
			w.write("assets.Dockerfile", "FROM scratch\nCOPY assets/logo /logo\n")
			w.more = "target \"assets\" {\n  dockerfile = \"assets.Dockerfile\"\n}\n"
		}),
		changeOf("file of a linked target for two platforms", everything, twoPlatforms, func(w *world) { w.write("aim", "aim 7") }),
		changeOf("platform more", everything, twoPlatforms, func(w *world) {
			w.set(`"linux/amd64", "linux/arm64"`, `"linux/amd64", "linux/arm64", "linux/s390x"`)
			w.more = w.replaced(w.more, `"linux/amd64", "linux/arm64"`, `"linux/amd64", "linux/arm64", "linux/s390x"`)
		}),
		changeOf("platform gone", needless, twoPlatforms, func(w *world) { w.set(`"linux/amd64", "linux/arm64"`, `"linux/amd64"`) }),
		changeOf("platforms in another order", needless, twoPlatforms, func(w *world) { w.set(`"linux/amd64", "linux/arm64"`, `"linux/arm64", "linux/amd64"`) }),
		changeOf("file of one platform of two", everything, twoPlatforms, func(w *world) { w.write("arm64", "changed") }),
	}
}

// twoPlatforms is a target for two platforms that links to one.
func twoPlatforms(w *world) {
	const platforms = "  platforms = [\"linux/amd64\", \"linux/arm64\"]\n"
	w.write("Dockerfile", "FROM linked\nARG TARGETARCH\nCOPY data.txt $TARGETARCH /\n")
	w.write("linked.Dockerfile", "FROM scratch\nARG TARGETPLATFORM\nCOPY aim /$TARGETPLATFORM\n")
	for _, arch := range []string{"amd64", "arm64", "s390x"} {
		w.write(arch, arch)
	}
	w.contexts["linked"] = "target:linked"
	w.body += platforms
	w.more = "target \"linked\" {\n  dockerfile = \"linked.Dockerfile\"\n" + platforms + "}\n"
}
