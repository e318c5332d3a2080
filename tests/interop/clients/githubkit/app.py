"""The GitHub App: who it is, where it is installed, and tokens that reach less."""

from cases import equal
from refusals import refused
from world import SHOP, VERSIONS


def judge(cases, world):
    for version in VERSIONS:
        app = world.as_app(version)

        def case(name, look):
            cases.case(f"{name} ({version})", look)

        case("the App proves itself with its key", lambda: identity(world, app))
        case("installations have the official form, found in every way", lambda: installations(world, app))
        case("a token has the official form", lambda: token(world, app))
        case("a token for one repository sees no other", lambda: one_repository(world, version))
        case("a token that may only read starts nothing", lambda: read_only(world, version))


def identity(world, app):
    found = app.rest.apps.get_authenticated().parsed_data
    equal((found.id, found.client_id, found.installations_count), (world.app["id"], world.app["clientId"], 2))


def installations(world, app):
    apps = app.rest.apps
    listed = app.all(apps.list_installations, per_page=1)
    equal({one.account.login: one.id for one in listed}, world.app["installations"])
    acme = next(one for one in listed if one.account.login == "acme")
    equal(apps.get_installation(acme.id).parsed_data, acme)
    equal(apps.get_org_installation("acme").parsed_data, acme)
    equal(apps.get_user_installation("acme").parsed_data, acme)
    equal(apps.get_repo_installation(*SHOP).parsed_data, acme)


def token(world, app):
    found = app.rest.apps.create_installation_access_token(world.app["installations"]["acme"], repositories=["shop"]).parsed_data
    equal((found.repository_selection, [one.full_name for one in found.repositories]), ("selected", ["acme/shop"]))
    equal((found.permissions.actions, found.permissions.contents), ("write", "read"))


def one_repository(world, version):
    narrowed = world.as_installation(version, repositories=["shop"])
    shop = narrowed.rest.repos.get(*SHOP).parsed_data
    refused(lambda: narrowed.rest.repos.get("acme", "attic"), 404, "Not Found")
    by_id = world.as_installation(version, repository_ids=[shop.id])
    equal(by_id.rest.repos.get(*SHOP).parsed_data.id, shop.id)
    refused(lambda: by_id.rest.repos.get("acme", "attic"), 404, "Not Found")


def read_only(world, version):
    reader = world.as_installation(version, permissions={"actions": "read"})
    assert reader.rest.actions.list_repo_workflows(*SHOP).parsed_data.total_count > 0
    refused(lambda: reader.start("fails.yml"), 403, "Resource not accessible by integration")
