def test_three_cities_are_there(riverton, ashford, millbrook):
    assert [riverton.schema_name, ashford.schema_name, millbrook.schema_name] == [
        "c_riverton",
        "c_ashford",
        "c_millbrook",
    ]
