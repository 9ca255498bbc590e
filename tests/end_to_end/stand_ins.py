"""Fast stand-ins for booksync's commands, and a demo that runs them from another folder."""

STAND_INS = {
    "booksync": """
import json, os, sys, time, urllib.parse, urllib.request, psycopg
def post(path, **form):
    data = urllib.parse.urlencode(form).encode()
    return json.load(urllib.request.urlopen(os.environ["ZOHO_ACCOUNTS_URL"] + path, data))
def option(name):
    return sys.argv[sys.argv.index(name) + 1]
match sys.argv[1]:
    case "migrate":
        with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
            connection.execute("CREATE SCHEMA IF NOT EXISTS booksync")
            connection.execute("CREATE TABLE IF NOT EXISTS booksync.sync_runs (connection_id uuid,"
                               " finished_at timestamptz,"
                               " mode text, status text, counters jsonb, api_calls int, error text,"
                               " degraded_reason text)")
            connection.execute("CREATE TABLE IF NOT EXISTS reminders (user_id uuid, invoice_id uuid, status text)")
            connection.execute("CREATE TABLE IF NOT EXISTS connections (user_id text PRIMARY KEY,"
                               " id uuid DEFAULT gen_random_uuid())")
    case "connect":
        tokens = post("/oauth/v2/token", grant_type="authorization_code", code=option("--grant-code"),
                      client_id=os.environ["ZOHO_CLIENT_ID"], client_secret=os.environ["ZOHO_CLIENT_SECRET"])
        assert tokens["refresh_token"]
        with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
            row = connection.execute("INSERT INTO connections VALUES (%s) ON CONFLICT (user_id)"
                                     " DO UPDATE SET user_id = excluded.user_id RETURNING id", [option("--user")])
            print(json.dumps({"connection_id": str(row.fetchone()[0]), "webhook_url": "", "webhook_secret": ""}))
    case "sync":
        if "FAIL_SYNC" in os.environ:
            sys.exit("Zoho refuses the connection.")
        print("some progress", file=sys.stderr)
        print("some words")
        counts = {"total": 9, "new": 9, "updated": 0, "unchanged": 0}
        print(json.dumps({"run_id": "r", "connection": sys.argv[2], "status": "succeeded", "seconds": 0.1,
                          "customers": counts | {"with_phone": 8}, "invoices": counts | {"waiting": 0},
                          "reminders": {"scheduled": 5, "skipped": {"no_phone": 1}}, "handover": "closed",
                          "api_calls": 3, "api_calls_one_per_invoice": 30}))
    case "reminders" if sys.argv[2] == "preview":
        if "FAIL_PREVIEW" in os.environ:
            sys.exit("The database is away.")
        def stage(name, invoices, *losses):
            return {"stage": name, "invoices": invoices, "amounts": {"USD": f"{invoices}00.50"}, "losses": losses}
        loss = {"reason": "no_phone", "sentence": "The customer has no phone number.", "invoices": 1,
                "amounts": {"USD": "100.00"}}
        print(json.dumps({"funnel": [stage("open", 6), stage("reachable", 5, loss), stage("may_be_asked", 5),
                                     stage("to_come", 5)],
                          "backlog_counts": {"none": {"before_opening": 0}, "latest": {"invoices": 2, "calls": 1}},
                          "tomorrow": {"day": "2026-11-27", "calls": 3}, "first_day": "2026-11-27",
                          "calls_on_first_day": 3, "calls": [{"phone": "+14155550126"}], "handover": "closed",
                          "opened_at": None, "backlog": "none", "waiting_calls": 3}))
    case "reminders" if sys.argv[2] == "open":
        print(json.dumps({"handover": "open", "opened_at": "2026-11-26T12:00:00+00:00", "backlog": option("--backlog"),
                          "waiting_calls": 4, "replanned": 6}))
    case "operators" if sys.argv[2] == "link":
        print(json.dumps({"url": "http://127.0.0.1/sign-in?link=one"}))
    case "scheduler":
        time.sleep(600)
""",
    "dramatiq": """
import os, sys, time
if "FAIL_WORKER" in os.environ:
    sys.exit(3)
time.sleep(600)
""",
    "uvicorn": """
import http.server, sys
def option(name):
    return sys.argv[sys.argv.index(name) + 1]
class Fine(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer((option("--host"), int(option("--port"))), Fine).serve_forever()
""",
}

RUN_WITH_STAND_INS = """
import dataclasses, pathlib, sys
from sandbox.demo.command import read_options, run
sys.exit(run(dataclasses.replace(read_options(sys.argv[2:]), programs=pathlib.Path(sys.argv[1]))))
"""
