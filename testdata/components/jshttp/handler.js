// A handler of HTTP, as JavaScript on the web has it: /echo, /fetch and /trap as in testdata/guests/wasip2/http, but
// without trailers, which Response does not have; else hello.

addEventListener("fetch", (event) => event.respondWith(handle(event.request)));

async function handle(request) {
    switch (new URL(request.url).pathname) {
        case "/echo":
            return new Response(request.body, {
                headers: { "content-type": request.headers.get("content-type") ?? "application/octet-stream" },
            });
        case "/fetch":
            return forward(request);
        case "/trap":
            throw new Error("on purpose");
        default:
            return new Response("Hello from JavaScript\n", { headers: { "content-type": "text/plain" } });
    }
}

async function forward(request) {
    try {
        const response = await fetch(request.headers.get("x-url"), {
            method: request.method,
            headers: copied(request.headers),
            body: request.method === "GET" ? undefined : request.body,
        });
        return new Response(response.body, { status: response.status, headers: copied(response.headers) });
    } catch (error) {
        return new Response(`${error}\n`, { status: 502 });
    }
}

// The fields that say something of a body or of the answer, not those of the connection.
function copied(headers) {
    const fields = new Headers();
    for (const [name, value] of headers) {
        if ((name.startsWith("x-") && name !== "x-url") || name === "content-type") fields.append(name, value);
    }
    return fields;
}
