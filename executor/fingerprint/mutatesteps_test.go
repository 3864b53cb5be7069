package fingerprint_test

import (
	"archive/tar"
	"os"
	"strings"
)

// instructionMutations are about instructions that the usual Dockerfile does not have.
func instructionMutations() []mutation {
	edit := func(old, text string) func(*world) { return func(w *world) { w.edit("Dockerfile", old, text) } }
	touch := func(name string) func(*world) { return func(w *world) { w.write(name, "changed") } }
	const adds, runs, copies = "ADD data.txt /data.txt", "RUN echo $VERSION > /version", "COPY link /link"
	return []mutation{
		changeOf("file of an archive that ADD unpacks", everything, func(w *world) {
			w.archive("data.tar", "one")
			w.edit("Dockerfile", adds, "ADD data.tar /data")
		}, func(w *world) { w.archive("data.tar", "two") }),
		changeOf("ADD that does not unpack", everything, func(w *world) {
			w.archive("data.tar", "one")
			w.edit("Dockerfile", adds, "ADD data.tar /data")
		}, edit("ADD data.tar", "ADD --unpack=false data.tar")),
		changeOf("archive becomes a file of the same name", everything, func(w *world) {
			w.archive("data.tar", "one")
			w.edit("Dockerfile", adds, "ADD data.tar /data")
		}, touch("data.tar")),
		change("COPY with --parents", everything, edit("COPY src /src", "COPY --parents src/./lib src/./main /src/")),
		changeOf("file that COPY --parents takes", everything, edit("COPY src /src", "COPY src/main /src/main\nCOPY --parents ./src/./lib/* /src/"), touch("src/lib/b")),
		changeOf("file that COPY --parents does not take", nothing, edit("COPY src /src", "COPY src/main /src/main\nCOPY --parents ./src/./lib/a* /src/"), touch("src/lib/b")),
		change("COPY with --exclude", everything, edit("COPY src /src", "COPY --exclude=lib/b src /src")),
		changeOf("file that COPY --exclude leaves out", needless, edit("COPY src /src", "COPY --exclude=lib/b src /src"), touch("src/lib/b")),
		changeOf("file that COPY --exclude does not leave out", everything, edit("COPY src /src", "COPY --exclude=lib/b src /src"), touch("src/lib/a")),
		changeOf("pattern of COPY --exclude", everything, edit("COPY src /src", "COPY --exclude=lib/b src /src"), edit("--exclude=lib/b", "--exclude=lib/a")),
		changeOf("file that COPY --link takes", everything, edit("COPY src /src", "COPY --link src /src"), touch("src/lib/a")),
		changeOf("step before COPY --link", everything, edit(copies, "COPY --link link /link"), edit("ENV MODE=release", "ENV MODE=debug")),
		changeOf("number of a user whom COPY names", everything, users, func(w *world) { w.write("passwd", "app:x:8:8::/:/bin/sh\n") }),
		changeOf("user whom COPY names", everything, users, edit("--chown=app", "--chown=root")),
		change("mode that COPY sets in letters", everything, edit("--chmod=600", "--chmod=u=rw,go=r")),
		change("COPY of two sources", everything, edit("COPY link /link", "COPY link data.txt /links/")),
		change("here-document that is run", everything, edit(runs, "RUN <<EOF\necho $VERSION > /version\nEOF")),
		changeOf("text of a here-document that is run", everything, edit(runs, "RUN <<EOF\necho one > /version\nEOF"), edit("echo one", "echo two")),
		changeOf("interpreter of a here-document", everything, edit(runs, "RUN <<EOF\n#!/bin/sh\necho one > /version\nEOF"), edit("#!/bin/sh", "#!/bin/busybox sh")),
		changeOf("variable in a here-document that is copied", everything, nil, func(w *world) { w.edit("Dockerfile", "hello", "hello $VERSION") }),
		changeOf("argument in a here-document that is copied", everything, edit("hello", "hello $VERSION"), func(w *world) { w.set(`VERSION = "1"`, `VERSION = "2"`) }),
		changeOf("argument in a name that is copied", everything, func(w *world) {
			w.write("v1", "1")
			w.write("v2", "2")
			w.edit("Dockerfile", copies, "COPY v$VERSION /link")
		}, func(w *world) { w.set(`VERSION = "1"`, `VERSION = "2"`) }),
		change("escape character", everything, func(w *world) {
			w.write("Dockerfile", "# escape=`\n"+strings.Replace(w.dockerfile, copies, "COPY `\n  link /link", 1))
			w.edit("Dockerfile", "echo cached", "echo \\cached")
		}),
		change("check directive", nothing, func(w *world) { w.write("Dockerfile", "# check=skip=all\n"+w.dockerfile) }),
		change("check directive that a build fails for", needless, func(w *world) {
			w.write("Dockerfile", "# check=error=true\n"+strings.Replace(w.dockerfile, copies, "copy link /link", 1))
		}),
		change("instruction that nobody knows", needless, edit(copies, "COPYY link /link")),
		change("stage that nobody knows", needless, edit("COPY --from=tools /tool /tool", "COPY --from=127.0.0.1:1/nobody /tool /tool")),
		change("Dockerfile with a byte order mark", nothing, func(w *world) { w.write("Dockerfile", "\ufeff"+w.dockerfile) }),
		change("empty Dockerfile", needless, func(w *world) { w.write("Dockerfile", "") }),
		change("Dockerfile gone", needless, func(w *world) { w.remove("Dockerfile") }),
		change("health check", nothing, edit(`CMD ["/out"]`, "CMD [\"/out\"]\nHEALTHCHECK CMD [\"/out\"]")),
		change("stop signal", nothing, edit(`CMD ["/out"]`, "CMD [\"/out\"]\nSTOPSIGNAL SIGINT")),
		change("volume", nothing, edit(`CMD ["/out"]`, "CMD [\"/out\"]\nVOLUME /data")),
		change("user after the last step", nothing, edit(`CMD ["/out"]`, "CMD [\"/out\"]\nUSER 1:1")),
		change("working directory after the last step", everything, edit(`CMD ["/out"]`, "CMD [\"/out\"]\nWORKDIR /new")),
		change("trigger for other stages", nothing, edit(`CMD ["/out"]`, "CMD [\"/out\"]\nONBUILD RUN echo triggered")),
		changeOf("trigger of a stage", everything, edit("RUN echo tool", "ONBUILD RUN echo triggered > /t\nRUN echo tool"), edit("FROM base AS final", "FROM tools AS final")),
		changeOf("text of a trigger of a stage", everything, func(w *world) {
			w.edit("Dockerfile", "RUN echo tool", "ONBUILD RUN echo triggered > /t\nRUN echo tool")
			w.edit("Dockerfile", "FROM base AS final", "FROM tools AS final")
		}, edit("echo triggered", "echo trigger")),
		changeOf("nothing but scratch", everything, func(w *world) { w.write("Dockerfile", "FROM scratch\n") }, func(w *world) { w.write("Dockerfile", "FROM scratch\nCOPY aim /\n") }),
		changeOf("label of nothing but scratch", nothing, func(w *world) { w.write("Dockerfile", "FROM scratch\nLABEL a=1\n") }, func(w *world) { w.write("Dockerfile", "FROM scratch\nLABEL a=2\n") }),
	}
}

// users has a stage whose users decide the owner of what is copied.
func users(w *world) {
	w.write("passwd", "app:x:7:7::/:/bin/sh\n")
	w.write("group", "app:x:7:\n")
	w.edit("Dockerfile", "COPY --chown=1:1 owned /owned", "COPY passwd group /etc/\nCOPY --chown=app owned /owned")
}

// archive writes a tar with one file.
func (w *world) archive(name, content string) {
	w.t.Helper()
	f, err := os.Create(w.path(name))
	w.try(err)
	t := tar.NewWriter(f)
	w.try(t.WriteHeader(&tar.Header{Name: "file", Mode: 0o644, Size: int64(len(content))}))
	_, err = t.Write([]byte(content))
	w.try(err)
	w.try(t.Close())
	w.try(f.Close())
}

// mountMutations are about what RUN mounts, and what it may do.
func mountMutations() []mutation {
	edit := func(old, text string) func(*world) { return func(w *world) { w.edit("Dockerfile", old, text) } }
	touch := func(name string) func(*world) { return func(w *world) { w.write(name, "changed") } }
	const bind, secret, cache = "--mount=type=bind,source=gen,target=/gen", "--mount=type=secret,id=token", "--mount=type=cache,target=/tmp/cache,id=one"
	const runs = "RUN echo $VERSION > /version"
	mounted := func(options string) func(*world) { return edit(bind, bind+","+options) }
	stage := edit(runs, "RUN --mount=type=bind,from=tools,target=/t cat /t/tool > /version")
	return []mutation{
		changeOf("content of a directory that is mounted to be written", everything, mounted("rw"), touch("gen/x")),
		changeOf("new file in a directory that is mounted to be written", everything, mounted("rw"), touch("gen/z")),
		changeOf("file beside one that is mounted", nothing, edit("source=gen,target=/gen cat /gen/*", "source=gen/x,target=/x cat /x"), touch("gen/y")),
		changeOf("file that is mounted", everything, edit("source=gen,target=/gen cat /gen/*", "source=gen/x,target=/x cat /x"), touch("gen/x")),
		changeOf("file of a context that is mounted whole", everything, edit("source=gen,target=/gen cat /gen/*", "target=/gen cat /gen/gen/*"), touch("elsewhere/file")),
		changeOf("ignored file of a context that is mounted whole", nothing, edit("source=gen,target=/gen cat /gen/*", "target=/gen cat /gen/gen/*"), touch("ignored/file")),
		change("place of a mounted directory", everything, edit("target=/gen cat /gen/*", "target=/g cat /g/*")),
		change("mounted directory can be written", everything, mounted("rw")),
		changeOf("file of a named context that is mounted", everything, edit(bind, "--mount=from=assets,target=/gen"), touch("assets/other")),
		changeOf("file that a mount of a named context does not take", nothing, edit("--mount=type=bind,source=gen,target=/gen cat /gen/*", "--mount=from=assets,source=logo,target=/l cat /l"), touch("assets/other")),
		changeOf("step of a stage that is only mounted", everything, func(w *world) {
			stage(w)
			w.edit("Dockerfile", "COPY --from=tools /tool /tool\n", "")
		}, edit("echo tool $TOOL", "echo tools $TOOL")),
		changeOf("stage that is mounted", everything, stage, edit("from=tools,target=/t cat /t/tool", "from=base,target=/t echo")),
		changeOf("argument of a stage that is mounted", everything, stage, func(w *world) { w.set("NOBODY", `TOOL = "9", NOBODY`) }),
		change("place of a cache mount", everything, edit("target=/tmp/cache", "target=/tmp/cache2")),
		change("sharing of a cache mount", needless, edit(cache, cache+",sharing=locked")),
		change("mode of a cache mount", everything, edit(cache, cache+",mode=0700")),
		change("owner of a cache mount", everything, edit(cache, cache+",uid=1")),
		change("cache mount from a stage", everything, edit(cache, cache+",from=tools")),
		changeOf("step of a stage that a cache mount is from", everything, edit(cache, cache+",from=tools"), edit("echo tool $TOOL", "echo tools $TOOL")),
		change("cache mount is only read", everything, edit(cache, cache+",ro")),
		change("cache mount without an id", everything, edit(",id=one", "")),
		change("cache mount becomes one in memory", everything, edit(cache, "--mount=type=tmpfs,target=/tmp/cache")),
		changeOf("size of a mount in memory", everything, edit(cache, "--mount=type=tmpfs,target=/tmp/cache,size=1000000"), edit("size=1000000", "size=2000000")),
		change("place of a secret", everything, edit(secret, secret+",target=/tok")),
		change("mode of a secret", everything, edit(secret, secret+",mode=0444")),
		change("owner of a secret", everything, edit(secret, secret+",uid=1")),
		change("secret in a variable", everything, edit(secret, secret+",env=TOKEN")),
		change("secret gone from a step", everything, edit(secret+" ", "")),
		change("file of a secret", nothing, func(w *world) { w.write("token2", "x"); w.set(`src = "token"`, `src = "token2"`) }),
		change("agent for a step", everything, edit(runs, "RUN --mount=type=ssh echo $VERSION > /version")),
		changeOf("id of an agent", everything, edit(runs, "RUN --mount=type=ssh echo $VERSION > /version"), edit("type=ssh", "type=ssh,id=other")),
		change("network of the host without leave", needless, edit(runs, "RUN --network=host echo $VERSION > /version")),
		change("all rights without leave", needless, edit(runs, "RUN --security=insecure echo $VERSION > /version")),
		change("network that nobody knows", needless, edit(runs, "RUN --network=moon echo $VERSION > /version")),
		change("device", needless, edit(runs, "RUN --device=vendor.example/device=one echo $VERSION > /version")),
		changeOf("all rights", everything, func(w *world) { w.body += "  entitlements = [\"security.insecure\"]\n" }, edit(runs, "RUN --security=insecure echo $VERSION > /version")),
		changeOf("network of the host", everything, func(w *world) { w.body += "  entitlements = [\"network.host\"]\n" }, edit(runs, "RUN --network=host echo $VERSION > /version")),
		changeOf("leave for all rights gone", needless, func(w *world) {
			w.body += "  entitlements = [\"security.insecure\"]\n"
			w.edit("Dockerfile", runs, "RUN --security=insecure echo $VERSION > /version")
		}, func(w *world) { w.set("entitlements = [\"security.insecure\"]", "") }),
		changeOf("leave for the network of the host gone", needless, func(w *world) {
			w.body += "  entitlements = [\"network.host\"]\n"
			w.edit("Dockerfile", runs, "RUN --network=host echo $VERSION > /version")
		}, func(w *world) { w.set("entitlements = [\"network.host\"]", "") }),
		change("leave that nothing needs", nothing, func(w *world) { w.body += "  entitlements = [\"security.insecure\"]\n" }),
	}
}
