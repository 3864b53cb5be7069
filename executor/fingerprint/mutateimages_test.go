package fingerprint_test

// publishedMutations are about the image that is pushed besides the cache.
func publishedMutations() []mutation {
	edit := func(old, text string) func(*world) { return func(w *world) { w.edit("Dockerfile", old, text) } }
	set := func(old, text string) func(*world) { return func(w *world) { w.set(old, text) } }
	add := func(text string) func(*world) { return func(w *world) { w.body += "  " + text + "\n" } }
	pushed := func(attrs, attest string) func(*world) {
		return func(w *world) {
			w.body += "  tags = [\"" + w.registry + "/pushed:1\"]\n  output = [\"type=image,push=true" + attrs + "\"]\n  attest = [" + attest + "]\n"
		}
	}
	plain := pushed("", `"type=provenance,disabled=true"`)
	small := func(w *world) {
		plain(w)
		w.write("Dockerfile", "FROM scratch\nCOPY aim /\n")
	}
	const end = `CMD ["/out"]`
	return onImages([]mutation{
		changeOf("command of a pushed image", image, plain, edit(end, `CMD ["/in"]`)),
		changeOf("entry point of a pushed image", image, plain, edit(end, `ENTRYPOINT ["/in"]`)),
		changeOf("label of a pushed image", image, plain, set(`team = "one"`, `team = "two"`)),
		changeOf("label in the Dockerfile of a pushed image", image, plain, edit("LABEL version=1", "LABEL version=2")),
		changeOf("health check of a pushed image", image, plain, edit(end, end+"\nHEALTHCHECK CMD [\"/out\"]")),
		changeOf("stop signal of a pushed image", image, plain, edit(end, end+"\nSTOPSIGNAL SIGINT")),
		changeOf("volume of a pushed image", image, plain, edit(end, end+"\nVOLUME /data")),
		changeOf("port of a pushed image", image, plain, edit(end, end+"\nEXPOSE 80")),
		changeOf("user of a pushed image", image, plain, edit(end, end+"\nUSER 1")),
		changeOf("environment of a pushed image", image, plain, edit("ENV LAST=1", "ENV LAST=2")),
		changeOf("trigger of a pushed image", image, plain, edit(end, end+"\nONBUILD RUN x")),
		changeOf("shell of a pushed image", image, plain, edit(end, end+"\nSHELL [\"/sh\"]")),
		changeOf("author of a pushed image", image, plain, edit(end, end+"\nMAINTAINER me")),
		changeOf("comment in the Dockerfile of a pushed image", nothing, plain, edit("# A comment.", "# Another.")),
		changeOf("case of an instruction of a pushed image", nothing, plain, edit("COPY link", "copy link")),
		changeOf("argument that nothing declares of a pushed image", nothing, plain, set(`NOBODY = "1"`, `NOBODY = "2"`)),
		changeOf("argument declared after the last step of a pushed image", image, plain, edit(end, "ARG VERSION\n"+end)),
		changeOf("value of an argument after the last step of a pushed image", image, func(w *world) {
			plain(w)
			w.edit("Dockerfile", "COPY --from=build /out /out\n", "")
			w.edit("Dockerfile", "COPY --from=build /heredoc /heredoc\n", "")
			w.edit("Dockerfile", end, "ARG VERSION\n"+end)
		}, set(`VERSION = "1"`, `VERSION = "2"`)),
		changeOf("file of a pushed image", rebuilt, plain, func(w *world) { w.write("src/main", "changed") }),
		changeOf("annotation of a pushed image", image, plain, add(`annotations = ["a=b"]`)),
		changeOf("compression of a pushed image", image, plain, set("push=true", "push=true,compression=zstd,force-compression=true")),
		changeOf("level of compression of a pushed image", needless, pushed(",compression=gzip,force-compression=true,compression-level=1", `"type=provenance,disabled=true"`), set("compression-level=1", "compression-level=9")),
		changeOf("time of a pushed image", rebuilt, plain, set("NOBODY", `SOURCE_DATE_EPOCH = "1700000000", NOBODY`)),
		changeOf("time of a pushed image without steps that know it", image, small, set("NOBODY", `SOURCE_DATE_EPOCH = "1700000000", NOBODY`)),
		changeOf("time of a pushed image in the Dockerfile", image, func(w *world) {
			plain(w)
			w.write("Dockerfile", "ARG SOURCE_DATE_EPOCH=1\nFROM scratch\nCOPY aim /\n")
		}, edit("SOURCE_DATE_EPOCH=1", "SOURCE_DATE_EPOCH=2")),
		changeOf("time that layers of a pushed image are written with", image, func(w *world) {
			pushed(",rewrite-timestamp=true", `"type=provenance,disabled=true"`)(w)
			w.write("Dockerfile", "FROM scratch\nCOPY aim /\n")
			w.set("NOBODY", `SOURCE_DATE_EPOCH = "1", NOBODY`)
		}, set(`SOURCE_DATE_EPOCH = "1"`, `SOURCE_DATE_EPOCH = "2"`)),
		changeOf("cache in a pushed image", image, small, add(`cache-to = ["type=inline"]`)),
		changeOf("pushed image without a cache in it", image, func(w *world) { small(w); w.body += "  cache-to = [\"type=inline\"]\n" }, set(`cache-to = ["type=inline"]`, "")),
		changeOf("pushed image for several platforms", image, small, add(`platforms = ["linux/amd64", "linux/arm64"]`)),
		changeOf("pushed image with an index", image, plain, set("NOBODY", `BUILDKIT_MULTI_PLATFORM = "1", NOBODY`)),
		changeOf("pushed image of another platform", image, func(w *world) {
			plain(w)
			w.write("Dockerfile", "FROM scratch\nCOPY aim /\n")
			w.body += "  platforms = [\"linux/amd64\"]\n"
		}, set(`platforms = ["linux/amd64"]`, `platforms = ["linux/arm64"]`)),
		changeOf("base image's config under a pushed image", rebuilt, func(w *world) {
			plain(w)
			w.push("under", "one", "LABEL a=1\n")
			w.write("Dockerfile", "FROM "+w.registry+"/base:under\nCOPY aim /\n")
		}, func(w *world) { w.push("under", "one", "LABEL a=2\n") }),
		changeOf("command of a linked target under a pushed image", image, func(w *world) {
			plain(w)
			w.write("Dockerfile", "FROM linked\nCOPY aim /\n")
			w.write("linked.Dockerfile", "FROM scratch\nCOPY data.txt /\nCMD [\"/a\"]\n")
			w.contexts["linked"] = "target:linked"
			w.more = "target \"linked\" {\n  dockerfile = \"linked.Dockerfile\"\n}\n"
		}, func(w *world) { w.edit("linked.Dockerfile", "/a", "/b") }),
	})
}
