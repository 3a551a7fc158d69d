"""The public portal as a browser without JavaScript uses it: pages, forms, cookies."""

import html.parser
import http.client
import urllib.parse


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
            self.form = {"action": at.get("action", ""), "fields": {}, "choices": {}}
            self.forms.append(self.form)
        elif self.form is None:
            return
        elif tag == "input" and "name" in at:
            if at.get("type") in ("radio", "checkbox"):
                self.form["choices"].setdefault(at["name"], []).append(at.get("value"))
                if "checked" in at:
                    self.form["fields"][at["name"]] = at.get("value", "on")
            else:
                self.form["fields"][at["name"]] = at.get("value") or ""
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
        for form in self.forms:
            if form["action"] == action:
                return form
        raise AssertionError(f"no form for {action} among {self.forms}; the page says: {self.text}")


class Browser:
    def __init__(self, port):
        self.port, self.cookies = port, {}

    def request(self, method, path, fields=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Accept": "text/html", "Accept-Language": "zh-CN", "User-Agent": "an old phone"}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = None
        if fields is not None:
            body = urllib.parse.urlencode(fields)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
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

    def send(self, form, expect=200, **values):
        """Fills in and sends; names with a dot are given as step__field."""
        fields = dict(form["fields"])
        for name, value in values.items():
            name = name.replace("__", ".")
            assert name in form["fields"] or value in form["choices"].get(name, []), (name, value, form)
            fields[name] = value
        status, text = self.request("POST", form["action"], fields)
        assert status == expect, (form["action"], status, Page(text).text)
        return Page(text)
