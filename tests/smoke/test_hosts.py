def test_a_host_nobody_registered_is_404(riverton, visit):
    client = visit(riverton)
    assert client.get("/", headers={"host": "nowhere.localhost"}).status_code == 404
