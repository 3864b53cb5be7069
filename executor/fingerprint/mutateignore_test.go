package fingerprint_test

import (
	"os"
	"strings"
)

// ignoreMutations are about what is not sent.
func ignoreMutations() []mutation {
	ignore := func(text string) func(*world) { return func(w *world) { w.write(".dockerignore", text) } }
	touch := func(name string) func(*world) { return func(w *world) { w.write(name, "changed") } }
	const usual = "ignored\n*.log\nsrc/skip\n"
	return []mutation{
		change("ignore file with other line ends", nothing, ignore("ignored\r\n*.log\r\nsrc/skip\r\n")),
		change("ignore file with a byte order mark", nothing, ignore("\ufeff"+usual)),
		change("ignore file with spaces at the ends", nothing, ignore("ignored  \n  *.log\nsrc/skip\t\n")),
		change("ignore file with empty lines", nothing, ignore("\n\nignored\n\n*.log\nsrc/skip")),
		change("ignore file with slashes before and after", nothing, ignore("/ignored/\n*.log\n./src/skip/\n")),
		change("ignore file with a pattern for all directories", everything, ignore(usual+"**/*.log\n")),
		change("ignore file with a directory of many names", everything, ignore(usual+"**/lib\n")),
		change("ignore file with an exception that comes too early", nothing, ignore("!src/skip\n"+usual)),
		change("ignore file with an exception in an ignored directory", everything, ignore(usual+"src/lib\n!src/lib/b\n")),
		change("ignore file that ignores everything but what is copied", nothing,
			ignore("*\n!src\n!*.cfg\n!owned\n!moded\n!link\n!aim\n!data.txt\n!gen\nsrc/skip\n")),
		change("ignore file that names itself and the Dockerfile", nothing, ignore(usual+"Dockerfile\n.dockerignore\n")),
		change("ignore file with a pattern that cannot be read", needless, ignore(usual+"[\n")),
		change("ignore file of the Dockerfile without a pattern", everything, func(w *world) {
			w.write("src/skip", "skipped")
			w.write("Dockerfile.dockerignore", "nothing\n")
		}),
		changeOf("ignore file behind the Dockerfile's", nothing, func(w *world) { w.write("Dockerfile.dockerignore", usual) }, touch(".dockerignore")),
		changeOf("ignore file of the Dockerfile gone", everything, func(w *world) { w.write("Dockerfile.dockerignore", usual+"src/lib\n") }, func(w *world) { w.remove("Dockerfile.dockerignore") }),
		change("empty ignore file of the Dockerfile", everything, func(w *world) { w.write("Dockerfile.dockerignore", "") }),
		change("ignore file becomes a directory", everything, func(w *world) { w.remove(".dockerignore"); w.try(os.Mkdir(w.path(".dockerignore"), 0o755)) }),
		changeOf("file that an exception lets in", everything, ignore(usual+"src/lib\n!src/lib/b\n"), touch("src/lib/b")),
		changeOf("file beside one that an exception lets in", nothing, ignore(usual+"src/lib\n!src/lib/b\n"), touch("src/lib/a")),
		changeOf("file of a directory that an exception lets in", everything, ignore("src/*\n!src/lib\n!src/main\n"), touch("src/lib/a")),
		changeOf("mode of an ignored directory with an exception", needless, ignore("src/lib\n!src/lib/b\n"), func(w *world) { w.chmod("src/lib", 0o700) }),
		changeOf("Dockerfile in a directory", everything, inDirectory, func(w *world) { w.edit("docker/Dockerfile", "echo tool", "echo tools") }),
		changeOf("ignore file beside a Dockerfile in a directory", everything, inDirectory, func(w *world) { w.write("docker/Dockerfile.dockerignore", "src/lib\n") }),
		changeOf("ignore file of a directory with a Dockerfile", nothing, inDirectory, func(w *world) { w.write("docker/.dockerignore", "src/lib\n") }),
		changeOf("Dockerfile outside of the context", everything, outside, func(w *world) { w.edit("docker/Dockerfile", "/main", "/main2") }),
		changeOf("ignore file beside a Dockerfile outside of the context", everything, outside, func(w *world) { w.write("docker/Dockerfile.dockerignore", "lib\n") }),
		changeOf("ignore file of a context without the Dockerfile", everything, outside, func(w *world) { w.write("src/.dockerignore", "lib\n") }),
		change("name of the Dockerfile in small letters", nothing, func(w *world) { w.rename("Dockerfile", "dockerfile") }),
		changeOf("Dockerfile in small letters beside a new one", everything, func(w *world) { w.rename("Dockerfile", "dockerfile") },
			func(w *world) { w.write("Dockerfile", strings.Replace(w.dockerfile, "echo tool", "echo tools", 1)) }),
		changeOf("ignore file with an inline Dockerfile", everything, inline, func(w *world) { w.edit(".dockerignore", "*.log", "*.log\nsrc/lib") }),
		changeOf("inline Dockerfile", everything, inline, func(w *world) { w.set("echo tool", "echo tools") }),
		changeOf("comment in an inline Dockerfile", nothing, inline, func(w *world) { w.set("# A comment.", "# Another.") }),
		changeOf("Dockerfile behind an inline one", nothing, inline, func(w *world) { w.write("Dockerfile", "FROM scratch\n") }),
	}
}

func inDirectory(w *world) {
	w.write("docker/Dockerfile", w.dockerfile)
	w.remove("Dockerfile")
	w.body += "  dockerfile = \"docker/Dockerfile\"\n"
}

func outside(w *world) {
	w.write("docker/Dockerfile", "FROM scratch\nCOPY . /main\n")
	w.body += "  context = \"src\"\n  dockerfile = \"../docker/Dockerfile\"\n"
}

func inline(w *world) {
	w.remove("Dockerfile")
	w.body += "  dockerfile-inline = <<-DOCKERFILE\n" + strings.ReplaceAll(w.dockerfile, "${", "$${") + "DOCKERFILE\n"
}
