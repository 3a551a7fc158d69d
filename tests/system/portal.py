"""The public portal as a browser uses it: pages, forms, cookies; of JavaScript the puzzle alone."""

import hashlib
import html.parser
import http.client
import itertools
import urllib.parse


def solve(token, bits):
    for n in itertools.count():
        if int.from_bytes(hashlib.sha256(f"{token}:{n}".encode()).digest()[:4], "big") >> (32 - bits) == 0:
            return str(n)


class Page(html.parser.HTMLParser):
    """The forms of a page (action, fields with their values) and its text."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.forms, self.text, self.form, self.area, self.choice = [], [], None, None, None
        self.feed(text)
        self.text = " ".join(" ".join(self.text).split())

    def handle_starttag(self, tag, attributes):
        at = dict(attributes)
        if tag == "form":
            self.form = {"action": at.get("action", ""), "fields": {}, "choices": {}, "files": None, "type": at.get("enctype")}
            self.forms.append(self.form)
        elif self.form is None:
            return
        elif tag == "input" and at.get("type") == "file":
            self.form["files"] = at["name"]
        elif tag == "input" and "name" in at:
            if at.get("type") in ("radio", "checkbox"):
                self.form["choices"].setdefault(at["name"], []).append(at.get("value"))
                if "checked" in at:
                    self.form["fields"][at["name"]] = at.get("value", "on")
            else:
                self.form["fields"][at["name"]] = at.get("value") or ""
                if "data-bits" in at:
                    self.form["bits"] = int(at["data-bits"])
        elif tag == "textarea":
            self.form["fields"][at["name"]] = ""
        elif tag == "select":
            self.choice = at["name"]
            self.form["choices"][self.choice] = []
        elif tag == "option" and self.choice:
            self.form["choices"][self.choice].append(at.get("value"))

    def handle_endtag(self, tag):
        if tag == "form":
            self.form = None
        elif tag == "select":
            self.choice = None

    def handle_data(self, data):
        self.text.append(data)

    def form_with(self, **fields):
        """The form that has these values in its fields (hidden ones)."""
        for form in self.forms:
            if all(form["fields"].get(name) == value for name, value in fields.items()):
                return form
        raise AssertionError(f"no form with {fields} among {self.forms}")

    def form_at(self, action):
        """With its puzzle solved, as a browser does while a person fills it in: what is sent at once is a program's else."""
        for form in self.forms:
            if form["action"] == action:
                if action == "/submit" and not form["fields"]["work"]:
                    form["fields"]["work"] = solve(form["fields"]["token"], form["bits"])
                return form
        raise AssertionError(f"no form for {action} among {self.forms}; the page says: {self.text}")


def multipart(fields, files_name, files):
    """(body, Content-Type)"""
    boundary = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
    body = b""
    for name, value in fields.items():
        value = value.replace("\r\n", "\n").replace("\n", "\r\n")
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
    for name, content, kind in files if files_name else []:
        name = name.replace('"', "%22")
        body += (f'--{boundary}\r\nContent-Disposition: form-data; name="{files_name}"; filename="{name}"\r\n'
                 f"Content-Type: {kind}\r\n\r\n").encode() + content + b"\r\n"
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


class Browser:
    def __init__(self, port):
        self.port, self.cookies = port, {}

    def request(self, method, path, fields=None, files=None, files_name=None):
        """`files`: (name, content, type) of each; then the form goes as multipart/form-data, as browsers send it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Accept": "text/html", "Accept-Language": "zh-CN", "User-Agent": "an old phone"}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = None
        if fields is not None:
            body = urllib.parse.urlencode(fields)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if files is not None:
            body, headers["Content-Type"] = multipart(fields, files_name, files)
        try:
            connection.request(method, path, body, headers)
            reply = connection.getresponse()
            text = reply.read().decode()
        finally:
            connection.close()
        for cookie in reply.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        if reply.status == 303:
            return self.request("GET", reply.headers["Location"])
        return reply.status, text

    def get(self, path):
        status, text = self.request("GET", path)
        assert status == 200, (path, status, text[:2000])
        return Page(text)

    def send(self, form, expect=200, attach=(), **values):
        """Fills in and sends; names with a dot are given as step__field."""
        fields = dict(form["fields"])
        for name, value in values.items():
            name = name.replace("__", ".")
            assert name in form["fields"] or value in form["choices"].get(name, []), (name, value, form)
            fields[name] = value
        parts = form["type"] == "multipart/form-data"
        status, text = self.request("POST", form["action"], fields, attach or [("", b"", "application/octet-stream")] if parts else None,
                                    form["files"])
        assert status == expect, (form["action"], status, Page(text).text)
        return Page(text)
